package switches

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreAllowed(t *testing.T) {
	s := New()
	for _, d := range s.Definitions() {
		if err := s.Set(d.Name, d.Default); err != nil || d.Doc == "" {
			t.Errorf("%s: doc %q, default refused: %v", d.Name, d.Doc, err)
		}
		for _, value := range d.Values {
			if err := s.Set(d.Name, value); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSetRefusesWhatItDoesNotKnow(t *testing.T) {
	tests := []struct{ name, value, hint string }{
		{"ttl", "5", "ttl_seconds"},
		{TTLSeconds, "0", "from 1"},
		{TTLSeconds, "soon", "whole number"},
		{TTLSeconds, "", "whole number"},
		{OldIndex, "CLAMP", "evicted, clamp"},
		{ExtraFields, "true", "on, off"},
	}
	for _, test := range tests {
		err := New().Set(test.name, test.value)
		if err == nil || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%s=%s: got %v, want a hint of %q", test.name, test.value, err, test.hint)
		}
	}
}

func TestSetAllChangesAllOrNothing(t *testing.T) {
	s := New()
	if err := s.SetAll(map[string]string{TTLSeconds: "6", OldIndex: "wrong"}); err == nil || s.Seconds(TTLSeconds) != 300*time.Second {
		t.Errorf("got %v and a ttl of %v", err, s.Seconds(TTLSeconds))
	}
	if err := s.SetAll(map[string]string{TTLSeconds: "6", ClockSkewMS: "-120000"}); err != nil {
		t.Fatal(err)
	}
	if s.Seconds(TTLSeconds) != 6*time.Second || s.Milliseconds(ClockSkewMS) != -2*time.Minute {
		t.Errorf("got %v", s.Values())
	}
}
