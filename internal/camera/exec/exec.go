// Package exec is the source for cameras that a program reads: any command that writes H.264 or H.265 to its standard output, as a byte stream
// (annex B) or in MPEG-TS. rpicam-vid does it for the CSI cameras of a Raspberry Pi, GStreamer for those of a Jetson, ffmpeg for screens and
// for most of what there is.
//
// The program runs in a process group of its own, as a child of the agent and behind its own work; it is asked to end when the camera is
// closed, and killed when it does not, with all it started. It must never end by itself: whatever it says when it does, that is a failure,
// and the loop of the camera starts it again.
//
// A byte stream has no clock, so its pictures get the times at which they arrive, evened out (clock.go). Those of MPEG-TS have times of their
// own. A picture goes on when it is whole: that is known when the next begins, and sooner with programs that write each in one go
// (bytestream.Hint).
package exec

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"go.uber.org/zap"
)

// Source is one program that is a camera.
type Source struct {
	config Config
	name   string // of the program, without folder and arguments: these may hold passwords
	log    *zap.Logger
	scrub  func(string) string

	mu    sync.Mutex
	facts []camera.Fact
}

// New returns the source for checked settings. What the program says goes to the log; scrub takes secrets out of it.
func New(c Config, log *zap.Logger, scrub func(string) string) *Source {
	return &Source{config: c, name: filepath.Base(c.Command[0]), log: log, scrub: scrub}
}

// String implements camera.Source.
func (s *Source) String() string { return s.name }

// grace is how long a program may take to give its camera back.
const grace = 2 * time.Second

// Run implements camera.Source.
func (s *Source) Run(ctx context.Context, r camera.Receiver) error {
	s.restart()
	path, err := find(s.config.Command[0])
	if err != nil {
		return s.missing(err)
	}
	s.found("program", path)
	c, err := child.Start(child.Command{
		Program: path, Args: s.config.Command[1:], Env: s.environment(), Dir: s.config.Dir, NoInput: true, Grace: grace,
	})
	if err != nil {
		return s.missing(err)
	}
	v := &visit{
		source: s, child: c, started: time.Now(), tap: newTap(s.config, r, s.found),
		said: child.Talk{Log: s.log, Scrub: s.scrub, Name: s.name},
	}
	err = c.Converse(ctx, v.read, v.listen, v.watch)
	return v.verdict(ctx, err)
}

// environment is what the program gets of ours, and what its section says. What a screen needs is no secret either.
func (s *Source) environment() []string {
	env := child.Environment("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "TZ", "TMPDIR", "USER")
	for _, name := range slices.Sorted(maps.Keys(s.config.Env)) {
		env = append(env, name+"="+s.config.Env[name].Reveal())
	}
	return env
}

// Report implements camera.Reporter.
func (s *Source) Report() camera.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return camera.Report{Facts: slices.Clone(s.facts)}
}

func (s *Source) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = nil
}

// found notes a fact, in place of an older one of its name.
func (s *Source) found(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.facts {
		if s.facts[i].Name == name {
			s.facts[i].Value = value
			return
		}
	}
	s.facts = append(s.facts, camera.Fact{Name: name, Value: value})
}
