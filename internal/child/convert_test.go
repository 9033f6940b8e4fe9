package encode_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

func TestConvertReturnsWhatComesOut(t *testing.T) {
	program := standIn(t, "echo) exec cat;;\nbad) cat >/dev/null; echo 'no such canary' >&2; exit 3;;\nendless) exec cat /dev/zero;;\nhangs) exec sleep 1000;;")
	hide := func(text string) string { return strings.ReplaceAll(text, "canary", "<secret>") }
	if got, err := encode.Convert(t.Context(), program, []string{"echo"}, []byte("hello"), 5, hide); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	for args, want := range map[string]string{"bad": "no such <secret>", "endless": "more than 5 bytes"} {
		if got, err := encode.Convert(t.Context(), program, []string{args}, []byte("hello"), 5, hide); got != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v", args, got, err)
		}
	}
	enough := errors.New("enough")
	ctx, end := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, enough)
	defer end()
	if _, err := encode.Convert(ctx, program, []string{"hangs"}, make([]byte, 1<<20), 5, hide); !errors.Is(err, enough) {
		t.Errorf("one that hangs: %v", err)
	}
	if _, err := encode.Convert(t.Context(), "/nowhere/ffmpeg", nil, nil, 5, hide); err == nil {
		t.Error("a program that is not there runs")
	}
}
