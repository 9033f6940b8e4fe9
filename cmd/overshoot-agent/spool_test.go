package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/statedir"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// aFolder is a state folder in which three results wait for sink "mail", the first of which is dead, and all three for "disk".
func aFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	s := spool.Open(spool.Options{
		Folder: folder, MaxBytes: spool.MinBytes, Log: zap.NewNop(), Meters: spool.NewMeters(prometheus.NewRegistry()),
		Part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("spool", spool.Kind),
	})
	for i, id := range []string{"one", "two", "three"} {
		r := result.Result{ID: id, Sequence: uint64(i + 1), Agent: "a", Camera: "c", Watch: "w", Answer: []byte(`"<yes>"`)}
		receipt, err := s.Append(t.Context(), r, []string{"mail", "disk"})
		if err == nil {
			err = receipt.Wait(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	mail, err := s.Queue("mail")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mail.Next(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	mail.Dead("the server said 422", 5)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return folder
}

func viewOf(t *testing.T, folder string) *spool.View {
	t.Helper()
	v, err := (&spoolFile{StateDir: folder}).view()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func TestSpoolInspectShowsEachSink(t *testing.T) {
	var out bytes.Buffer
	if err := inspect(&out, viewOf(t, aFolder(t))); err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(out.String())
	for _, want := range []string{"3 results wait", "disk 3", "mail 2"} {
		if !strings.Contains(strings.Join(got, " "), want) {
			t.Errorf("no %q in %s", want, out.String())
		}
	}
	if got[len(got)-1] != "1" {
		t.Errorf("no dead letter in %s", out.String())
	}
}

func TestSpoolExportPrintsTheEventsAsTheyWouldBeDelivered(t *testing.T) {
	v := viewOf(t, aFolder(t))
	var out bytes.Buffer
	if err := (&exportCommand{Sink: "mail"}).export(&out, v); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"id":"two"`) || !strings.Contains(lines[0], `"result":"<yes>"`) {
		t.Errorf("got %s", out.String())
	}
	out.Reset()
	if err := (&exportCommand{Dead: true}).export(&out, v); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"reason":"the server said 422"`) || !strings.Contains(got, `"id":"one"`) {
		t.Errorf("got %s", got)
	}
}

func TestSpoolVerifyFailsWhereSomethingIsDamaged(t *testing.T) {
	folder := aFolder(t)
	if n, err := verify(viewOf(t, folder)); n != 4 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	path := filepath.Join(folder, spool.FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.Index(text, []byte(`"id":"three"`))] ^= 1
	if err := os.WriteFile(path, text, 0o640); err != nil {
		t.Fatal(err)
	}
	if n, err := verify(viewOf(t, folder)); n != 3 || err == nil {
		t.Errorf("got %d, %v", n, err)
	}
	if code := run([]string{"spool", "verify", "--file", path}); code != exitFailure {
		t.Errorf("code %d", code)
	}
}

func TestSpoolReplayWantsTheFolderForItself(t *testing.T) {
	folder := aFolder(t)
	dir, err := statedir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replay(t.Context(), folder, "mail", time.Time{}); !errors.Is(err, statedir.ErrLocked) {
		t.Errorf("got %v", err)
	}
	dir.Close()
	if n, err := replay(t.Context(), folder, "mail", time.Time{}); n != 1 || err != nil {
		t.Errorf("replayed %d, %v", n, err)
	}
	if got := viewOf(t, folder).Sinks(); got[1].Waiting != 3 || got[1].DeadLetters != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAMomentIsATimeOrHowLongAgo(t *testing.T) {
	for text, ago := range map[string]time.Duration{"24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour} {
		var m moment
		if err := m.UnmarshalText([]byte(text)); err != nil || time.Since(time.Time(m)).Round(time.Hour) != ago {
			t.Errorf("%s is %v, %v", text, time.Time(m), err)
		}
	}
	var m moment
	if err := m.UnmarshalText([]byte("2026-11-22T14:00:00Z")); err != nil || !time.Time(m).Equal(time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)) {
		t.Errorf("got %v, %v", time.Time(m), err)
	}
	for _, text := range []string{"", "7", "yesterday"} {
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, time.Time(m))
		}
	}
}
