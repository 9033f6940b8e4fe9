package account

import (
	"testing"
	"time"
)

func newBook(t *testing.T) *Book {
	t.Helper()
	b, err := NewBook(Key{Name: "main", Value: "secret-1", User: "alice"}, Key{Name: "second", Value: "secret-2", User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAuthenticate(t *testing.T) {
	b := newBook(t)
	for header, want := range map[string]string{
		"Bearer secret-1": "main", "bearer secret-2": "second", "Bearer other": "", "secret-1": "", "Basic secret-1": "", "Bearer ": "", "": "",
	} {
		if key, ok := b.Authenticate(header); key.Name != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v", header, key.Name, ok)
		}
	}
	revoked := true
	if err := b.Update("main", Change{Revoked: &revoked}); err != nil {
		t.Fatal(err)
	}
	if key, ok := b.Authenticate("Bearer secret-1"); ok || key.Name != "main" {
		t.Errorf("a revoked key: got %q, %v", key.Name, ok)
	}
}

func TestKeysMustDiffer(t *testing.T) {
	for _, keys := range [][]Key{
		{{Name: "", Value: "x"}},
		{{Name: "a"}},
		{{Name: "a", Value: "x"}, {Name: "a", Value: "y"}},
		{{Name: "a", Value: "x"}, {Name: "b", Value: "x"}},
	} {
		if _, err := NewBook(keys...); err == nil {
			t.Errorf("%+v was taken", keys)
		}
	}
}

func TestKeysOfAUserShareItsBalance(t *testing.T) {
	b := newBook(t)
	left := int64(1000)
	if err := b.Update("second", Change{BalanceMicrocents: &left}); err != nil {
		t.Fatal(err)
	}
	b.Charge("alice", 1400)
	if got := b.Balance("alice"); got != -400 {
		t.Errorf("balance %d, want -400", got)
	}
	bob := "bob"
	if err := b.Update("main", Change{User: &bob}); err != nil || b.Balance("bob") != StartBalance {
		t.Errorf("new user: %v, balance %d", err, b.Balance("bob"))
	}
	if b.Update("third", Change{}) == nil {
		t.Error("an unknown key was changed")
	}
}

func TestAllowCountsPerUserAndSecond(t *testing.T) {
	b := newBook(t)
	now := time.Unix(1_790_000_090, 400_000_000)
	for i, want := range []Allowance{{true, 2, 1, 1_790_000_091}, {true, 2, 0, 1_790_000_091}, {false, 2, 0, 1_790_000_091}} {
		if got := b.Allow("alice", now, 2); got != want {
			t.Errorf("request %d: got %+v, want %+v", i, got, want)
		}
	}
	if !b.Allow("bob", now, 2).OK || !b.Allow("alice", now.Add(time.Second), 2).OK {
		t.Error("another user, or the next second, was refused")
	}
}
