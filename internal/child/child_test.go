package child

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseStat(t *testing.T) {
	const text = "4711 (a) b) 1 (c) R 1 4711 4711 0 -1 4194304 100 0 0 0 250 50 0 0 25 5 1 0 100 0 0"
	if got, ok := parseStat([]byte(text)); !ok || got != 3*time.Second {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, bad := range []string{"", "1 (x) R", "4711 no name", "1 (x) R 1 1 1 0 -1 1 1 0 0 0 x y 0 0"} {
		if got, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

// A process that hangs in a driver does not even end when it is killed. Neither its camera nor the end of the agent may wait for it.
func TestAChildThatCannotBeKilledIsLeft(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := &Child{name: "ffmpeg", cmd: gone, usage: &usage{}, done: make(chan struct{})} // done is never closed
		hangs := errors.New("it hangs")
		if err := c.Converse(t.Context(), func(context.Context) error { return hangs }); !errors.Is(err, hangs) {
			t.Errorf("got %v", err)
		}
		if !errors.Is(c.End(), errImmortal) {
			t.Errorf("ended with %v", c.End())
		}
		if got, want := c.Verdict(), "ffmpeg does not end: a driver hangs, it cannot even be killed"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A child that is asked to end may take its time, and what it started is asked as well; one that does not listen is killed.
func TestGrace(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"listens":         {"trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.01; done", "exit status 7"},
		"does not listen": {"trap '' TERM; echo ready; while :; do sleep 0.01; done", "signal: killed"},
	} {
		child, err := Start(Command{Program: "/bin/sh", Args: []string{"-c", c.script}, Dir: t.TempDir(), NoInput: true, Grace: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		ready := errors.New("ready")
		err = child.Converse(t.Context(), func(context.Context) error {
			var text [6]byte
			if _, err := io.ReadFull(child.Stdout, text[:]); err != nil {
				t.Error(err)
			}
			return ready
		})
		if !errors.Is(err, ready) || child.End().Error() != c.want || child.Stdin != nil {
			t.Errorf("%s: %v, ended with %v", name, err, child.End())
		}
	}
}
