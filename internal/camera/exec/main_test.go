package exec_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/exec"
	"github.com/overshoot-ai/overshoot-agent/internal/child/childtest"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// asAgent in the environment makes the test binary an agent with the camera that it describes, until it is killed.
const asAgent = "EXEC_TEST_AS_AGENT"

// asCamera makes it a program that writes the pictures of a file, each when the one before is known to have arrived.
const asCamera = "EXEC_TEST_AS_CAMERA"

func TestMain(m *testing.M) {
	if text := os.Getenv(asAgent); text != "" {
		s, err := config.ParseSection("c.yaml", text)
		if err == nil {
			c, bad := exec.Decode(s)
			err = bad
			if err == nil {
				err = exec.New(c, zap.NewNop(), unscrubbed).Run(context.Background(), &screen{})
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if file := os.Getenv(asCamera); file != "" {
		writePictures(file, os.Getenv("ARRIVED"))
	}
	os.Exit(m.Run())
}

func unscrubbed(text string) string { return text }

// A screen is a receiver that remembers.
type screen struct {
	mu       sync.Mutex
	formats  []camera.Format
	pictures []seen
	open     bool // the newest picture goes on
	taken    func(n int)
}

// seen is a picture with its units as a byte stream.
type seen struct {
	timestamp uint32
	stream    []byte
	lost      int
	at        time.Time
}

func (s *screen) Begin(f camera.Format) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.formats = append(s.formats, f)
}

func (s *screen) Packet(p camera.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		s.pictures = append(s.pictures, seen{timestamp: p.Timestamp})
	}
	last := &s.pictures[len(s.pictures)-1]
	last.lost += p.Lost
	if fragment, ok := h264.ParseFragment(p.Payload); ok && s.formats[0].Codec == camera.H264 {
		if fragment.Start {
			last.stream = append(last.stream, 0, 0, 1, fragment.Header)
		}
		last.stream = append(last.stream, fragment.Body...)
	} else {
		last.stream = append(append(last.stream, 0, 0, 1), p.Payload...)
	}
	last.at = time.Now()
	if s.open = !p.Marker; !s.open && s.taken != nil {
		s.taken(len(s.pictures))
	}
}

func (s *screen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.pictures)
	if s.open {
		n--
	}
	return n
}

// A rig is a source at work.
type rig struct {
	*exec.Source
	*screen
	logs *observer.ObservedLogs
	stop func() error // ends Run and returns its error; may be called again
	done <-chan struct{}
}

func open(t testing.TB, text string) (*exec.Source, *observer.ObservedLogs) {
	t.Helper()
	s, err := config.ParseSection(t.TempDir()+"/c.yaml", "type: exec\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := exec.Decode(s)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	return exec.New(c, zap.New(core), func(text string) string { return strings.ReplaceAll(text, "canary", "<secret>") }), logs
}

// start runs a source until the test ends.
func start(t testing.TB, text string) *rig {
	t.Helper()
	source, logs := open(t, text)
	r := startOn(t, source, &screen{})
	r.logs = logs
	return r
}

func startOn(t testing.TB, source *exec.Source, s *screen) *rig {
	t.Helper()
	r := &rig{Source: source, screen: s}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var err error
	go func() {
		err = source.Run(ctx, r.screen)
		close(done)
	}()
	r.done = done
	r.stop = func() error { cancel(); <-done; return err }
	t.Cleanup(func() {
		_ = r.stop()
		if left := childtest.Of(t, os.Getpid()); len(left) > 0 {
			t.Errorf("children that outlived Run: %v", left)
		}
	})
	return r
}

// result waits for Run to end by itself.
func (r *rig) result(t testing.TB) error {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(time.Minute):
		t.Fatal("Run goes on")
	}
	return r.stop()
}

// script is the YAML of a camera that is a script of the shell.
func script(lines string) string {
	return fmt.Sprintf("command: [sh, -c, %q]\n", lines)
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

// number waits for a script to write the id of a process to a file.
func number(t testing.TB, file string) (id int) {
	t.Helper()
	eventually(t, "a process id in "+file, func() bool {
		text, _ := os.ReadFile(file)
		n, _ := fmt.Sscanln(string(text), &id)
		return n == 1 && bytes.HasSuffix(text, []byte("\n"))
	})
	return id
}
