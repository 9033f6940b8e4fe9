package spool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
)

func look(t *testing.T, folder string) *spool.View {
	t.Helper()
	v, err := spool.LookAt(filepath.Join(folder, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func (h *house) someTrouble(t *testing.T) (want []string) {
	want = h.fill(t, "door", 1, 10, "a", "b")
	q := h.queue(t, "a")
	if _, err := q.Next(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	q.Done(3)
	q.Dead("422", 5)
	return want
}

func TestAViewShowsWhatIsThereWhileItIsUsed(t *testing.T) {
	folder := t.TempDir()
	h := open(t, optionsFor(folder))
	want := h.someTrouble(t)
	v := look(t, folder)
	h.fill(t, "door", 11, 5, "a") // after the view was taken
	if err := h.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	sinks := v.Sinks()
	if len(sinks) != 2 || sinks[0].Waiting != 6 || sinks[0].DeadLetters != 1 || sinks[1].Waiting != 10 || time.Since(sinks[1].Oldest) > time.Minute {
		t.Errorf("sinks %+v", sinks)
	}
	var got []string
	if err := v.Results("a", func(r result.Result) error { got = append(got, r.ID); return nil }); err != nil || !slices.Equal(got, want[4:]) {
		t.Errorf("got %v, %v", got, err)
	}
	var dead []spool.DeadLetter
	if err := v.DeadLetters("", func(d spool.DeadLetter) error { dead = append(dead, d); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(dead) != 1 || dead[0].Event.ID != want[3] || dead[0].Reason != "422" || dead[0].Attempts != 5 || dead[0].Sink != "a" {
		t.Errorf("dead %+v", dead)
	}
	if v.Damage != nil || v.Waiting() != 10 || v.Bytes() == 0 {
		t.Errorf("%v, %d wait, %d bytes", v.Damage, v.Waiting(), v.Bytes())
	}
}

func TestAViewChangesNothing(t *testing.T) {
	folder := t.TempDir()
	h := open(t, optionsFor(folder))
	h.someTrouble(t)
	var left string
	h.Frozen(func() { left = copyTo(t, folder) }) // as after a kill
	before := contents(t, left)
	v := look(t, left)
	if v.Waiting() != 10 {
		t.Errorf("%d wait", v.Waiting())
	}
	v.Close()
	if after := contents(t, left); !bytes.Equal(after, before) {
		t.Error("the files are not what they were")
	}
}

func contents(t *testing.T, folder string) (all []byte) {
	t.Helper()
	for _, name := range []string{spool.FileName, spool.FileName + "-wal"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

func TestAViewOfADamagedFileShowsWhatIsReadable(t *testing.T) {
	folder := t.TempDir()
	h := open(t, optionsFor(folder))
	h.fill(t, "door", 1, 100, "a")
	h.close()
	path := filepath.Join(folder, spool.FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(text[:1024]) // nothing works without the first page
	if err := os.WriteFile(path, text, 0o640); err != nil {
		t.Fatal(err)
	}
	v := look(t, folder)
	n := 0
	if err := v.Results("", func(result.Result) error { n++; return nil }); err != nil || n != 100 || v.Damage == nil {
		t.Errorf("%d results, %v; damage %v", n, err, v.Damage)
	}
}

func TestReplayBringsBackWhatASinkHadAndWhatDied(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	want := h.someTrouble(t)
	if n, err := h.Replay(t.Context(), "a", time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("replayed %d, %v", n, err)
	}
	n, err := h.Replay(t.Context(), "a", time.Now().Add(-time.Hour))
	if n != 4 || err != nil { // three that it had, and one that it refused
		t.Errorf("replayed %d, %v", n, err)
	}
	h.close()
	h = open(t, o)
	q := h.queue(t, "a")
	batch, err := q.Next(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, r := range batch {
		got = append(got, r.ID)
		if r.Replayed != (i >= 6) {
			t.Errorf("%s: replayed is %v", r.ID, r.Replayed)
		}
	}
	if !slices.Equal(got, slices.Concat(want[4:], want[:4])) || q.DeadLetters() != 0 {
		t.Errorf("got %v", got)
	}
	if h.queue(t, "b").Len() != 10 || h.Sequences().Next("door", "people") != 11 {
		t.Errorf("%d wait for b", h.queue(t, "b").Len())
	}
}
