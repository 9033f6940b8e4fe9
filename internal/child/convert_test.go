package child_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/child"
)

// script is a program that does what the case of its arguments says, as a shell's case statement.
func script(t *testing.T, cases string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncase \"$*\" in\n"+cases+"\nesac\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConvertReturnsWhatComesOut(t *testing.T) {
	program := script(t, "echo) exec cat;;\nbad) cat >/dev/null; echo 'no such canary' >&2; exit 3;;\n"+
		"endless) exec cat /dev/zero;;\nhangs) exec sleep 1000;;")
	hide := func(text string) string { return strings.ReplaceAll(text, "canary", "<secret>") }
	convert := func(ctx context.Context, arg string, input []byte) ([]byte, error) {
		return child.Convert(ctx, child.Command{Program: program, Args: []string{arg}, Env: child.Environment()}, input, 5, hide)
	}
	if got, err := convert(t.Context(), "echo", []byte("hello")); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	for arg, want := range map[string]string{"bad": "no such <secret>", "endless": "more than 5 bytes"} {
		if got, err := convert(t.Context(), arg, []byte("hello")); got != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v", arg, got, err)
		}
	}
	enough := errors.New("enough")
	ctx, end := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, enough)
	defer end()
	if _, err := convert(ctx, "hangs", make([]byte, 1<<20)); !errors.Is(err, enough) {
		t.Errorf("one that hangs: %v", err)
	}
	if _, err := child.Convert(t.Context(), child.Command{Program: "/nowhere/ffmpeg"}, nil, 5, hide); err == nil {
		t.Error("a program that is not there runs")
	}
}
