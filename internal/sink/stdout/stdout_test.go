package stdout_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/sinktest"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/stdout"
)

// pipe is a named pipe, whose reader may go and come again.
type pipe struct {
	t       *testing.T
	path    string
	writing *os.File

	mu      sync.Mutex
	ids     []string
	bad     []string
	reading *os.File
	ended   chan struct{}
}

func newPipe(t *testing.T) *pipe {
	p := &pipe{t: t, path: filepath.Join(t.TempDir(), "pipe")}
	must(t, syscall.Mkfifo(p.path, 0o600))
	p.open()
	var err error
	p.writing, err = os.OpenFile(p.path, os.O_WRONLY, 0)
	must(t, err)
	p.read()
	t.Cleanup(func() {
		_ = p.writing.Close()
		p.leave()
	})
	return p
}

// open opens the reading end without waiting for a writer.
func (p *pipe) open() {
	var err error
	p.reading, err = os.OpenFile(p.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	must(p.t, err)
}

// read reads lines in the background.
func (p *pipe) read() {
	p.ended = make(chan struct{})
	go func(from *os.File, ended chan struct{}) {
		defer close(ended)
		lines := bufio.NewScanner(from)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var r result.Result
			err := r.UnmarshalJSON(lines.Bytes())
			p.mu.Lock()
			if p.ids = append(p.ids, r.ID); err != nil {
				p.bad = append(p.bad, lines.Text())
			}
			p.mu.Unlock()
		}
	}(p.reading, p.ended)
}

// leave closes the reading end.
func (p *pipe) leave() {
	_ = p.reading.Close()
	if p.ended != nil {
		<-p.ended
	}
}

// received closes the writing end and returns what had come until then.
func (p *pipe) received(close func() error) []string {
	must(p.t, close())
	must(p.t, p.writing.Close())
	<-p.ended
	if len(p.bad) > 0 {
		p.t.Errorf("got %q", p.bad)
	}
	return p.ids
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPromisesOfAllSinks(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.World {
		p := newPipe(t)
		s := stdout.New(p.writing)
		return sinktest.World{
			Sink:     s,
			Received: func() []string { return p.received(s.Close) },
			Away:     p.leave,
			Back: func() {
				p.open()
				p.read()
			},
		}
	})
}

func TestAClosedPipeIsAnErrorThatSaysWhatToDo(t *testing.T) {
	p := newPipe(t)
	p.leave()
	s := stdout.New(p.writing)
	taken, err := s.Deliver(t.Context(), sinktest.Results(0, 3))
	if taken != 0 || err == nil || !strings.Contains(err.Error(), "nobody reads it any more (broken pipe); start the agent again with a reader") {
		t.Errorf("took %d: %v", taken, err)
	}
	must(t, s.Close())
}

// TestTheProcessOutlivesItsReader is itself the process: the Go runtime ends one whose descriptor 1 is a broken pipe.
func TestTheProcessOutlivesItsReader(t *testing.T) {
	if os.Getenv("BROKEN_PIPE") != "" {
		_, err := stdout.New(os.Stdout).Deliver(context.Background(), sinktest.Results(0, 3))
		if err != nil {
			os.Exit(42)
		}
		os.Exit(1)
	}
	reading, writing, err := os.Pipe()
	must(t, err)
	must(t, reading.Close())
	child := exec.Command(os.Args[0], "-test.run=^TestTheProcessOutlivesItsReader$")
	child.Env, child.Stdout = append(os.Environ(), "BROKEN_PIPE=1"), writing
	err = child.Run()
	must(t, writing.Close())
	if code, ok := errors.AsType[*exec.ExitError](err); !ok || code.ExitCode() != 42 {
		t.Errorf("it ended with %v", err)
	}
}

func TestAReaderThatStandsStillIsWaitedForAndLosesNothing(t *testing.T) {
	reading, writing, err := os.Pipe()
	must(t, err)
	s := stdout.New(writing)
	batch := sinktest.Results(0, 2000) // more than the pipe holds
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	taken, err := s.Deliver(ctx, batch)
	if !errors.Is(err, context.DeadlineExceeded) || taken == 0 || taken == 2000 {
		t.Fatalf("took %d: %v", taken, err)
	}
	var got []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(reading); lines.Scan(); {
			var r result.Result
			if err := r.UnmarshalJSON(lines.Bytes()); err != nil {
				t.Errorf("%q: %v", lines.Text(), err)
			}
			got = append(got, r.ID)
		}
	}()
	more, err := s.Deliver(t.Context(), batch[taken:])
	must(t, err)
	must(t, errors.Join(s.Close(), writing.Close()))
	<-read
	if taken+more != 2000 || strings.Join(got, " ") != strings.Join(sinktest.IDs(batch), " ") {
		t.Errorf("took %d and %d, and %d came", taken, more, len(got))
	}
}

func TestThereAreNoSettings(t *testing.T) {
	for text, fine := range map[string]bool{"type: stdout": true, "type: stdout\npath: x": false} {
		s, err := config.ParseSection("c.yaml", text)
		must(t, err)
		if err := stdout.Check(s); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
}
