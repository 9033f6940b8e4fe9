// Package demo shows the agent at work on one machine: it starts the simulator with its test cameras and the agent as child processes,
// shows what they do, and in the end judges whether each result was right.
//
// It knows the simulator by its command line and its control interface alone, and the agent by its configuration, its result file and its
// status page, as any stranger would.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options are the settings of a demo. Programs are paths.
type Options struct {
	Simulator     string
	LiveKitServer string
	FFmpeg        string
	Clips         string // folder; the simulator makes clips that are missing
	Cameras       string // as the simulator's --cameras
	Every         time.Duration
	Duration      time.Duration // 0: until ctx ends
	Dir           string        // folder for all files, which stay; empty: a new one
	Out           *os.File      // gets the view; a terminal or not
}

// patience is how long a child may take to end.
const patience = 10 * time.Second

// Run shows the demo until its time is over or ctx ends, stops all it started, and prints a summary. It returns a *WrongError when
// something was not right.
func Run(ctx context.Context, o Options) error {
	began := time.Now()
	files, err := prepare(o.Dir)
	if err != nil {
		return err
	}
	var head heading
	screen := newDisplay(o.Out, func() heading { return head })
	defer screen.close()

	screen.progress("starting the simulator: service, LiveKit and test cameras …")
	s, err := startSimulator(ctx, o, files.Dir, screen.progress)
	if err != nil {
		return err
	}
	defer func() { _ = s.stop(patience) }()
	screen.progress("starting the agent with " + files.Config + " …")
	f := newFacts("", s.ready.Control, files.Results, began)
	a, err := startAgent(o, s, files)
	if err != nil {
		return err
	}
	defer func() { _ = a.stop(patience) }()
	f.agentURL = a.status
	head = heading{status: a.status, files: files, ends: o.Duration}

	if err := observe(ctx, o.Duration, f, a, s, screen); err != nil {
		return err
	}
	screen.close()
	fmt.Fprintln(o.Out, "stopping the agent …")
	return finish(f, a, o, files)
}

// observe shows the demo until it is over. It returns an error when a child ended before.
func observe(ctx context.Context, duration time.Duration, f *facts, a *agent, s *simulator, screen display) error {
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.ended:
			return a.failure()
		case <-s.ended:
			return s.failure()
		case <-tick.C:
		}
		f.gatherStates(ctx)
		if err := f.gather(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		screen.show(f)
	}
}

// finish stops the agent while the simulator still runs, looks at everything for the last time and judges.
func finish(f *facts, a *agent, o Options, files files) error {
	ctx := context.Background() // that of the demo may have ended
	err := f.gather(ctx)        // ended streams forget what they lost
	e := ending{asked: time.Now(), every: o.Every, agent: a.stop(patience)}
	if err := errors.Join(err, f.gather(ctx)); err != nil {
		return err
	}
	e.streams, e.lost = f.activeStreams(), f.lost()
	f.summarize(o.Out, e, files, a.exitCode())
	if wrongs := f.wrongs(e); len(wrongs) > 0 {
		return &WrongError{Wrongs: wrongs}
	}
	fmt.Fprintln(o.Out, "all results were right")
	return nil
}

// prepare makes the folder of the demo.
func prepare(dir string) (files, error) {
	if dir == "" {
		made, err := os.MkdirTemp("", "overshoot-demo-")
		return filesIn(made), err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return files{}, err
	}
	return filesIn(dir), os.MkdirAll(dir, 0o755)
}
