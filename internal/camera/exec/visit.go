package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// A visit is one run of the program.
type visit struct {
	source  *Source
	child   *child.Child
	started time.Time
	tap     *tap
	said    child.Talk
}

const (
	// silence is how long a program must write nothing to be taken for one that has written all of a picture. Programs that write a picture
	// in one go leave most of the time between two; on a busy machine one that writes it in two may be held up between them, see
	// bytestream.Hint for what comes of it.
	silence = 5 * time.Millisecond
	// beat is how often it is looked at what else may have happened.
	beat = 250 * time.Millisecond
	// lastWords is how long one that ended may be read for: what it started may hold its output open.
	lastWords = time.Second
)

// errEnded: the program ended. How is asked elsewhere.
var errEnded = errors.New("the program ended")

// errClosed: its output ended, and the program did not.
var errClosed = errors.New("it closed its standard output and goes on without it")

// read takes what the program writes.
func (v *visit) read(ctx context.Context) error {
	buffer := make([]byte, 64<<10)
	for ctx.Err() == nil {
		patience := beat
		if v.tap.pending() {
			patience = silence
		}
		now := time.Now()
		_ = v.child.Stdout.SetReadDeadline(now.Add(patience))
		n, err := v.child.Stdout.Read(buffer)
		if n > 0 {
			if err := v.tap.write(buffer[:n], time.Now()); err != nil {
				return v.misfit(err)
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			v.tap.pause()
		default: // the end
			return v.closed(ctx)
		}
		if !v.tap.begun() && now.Sub(v.started) > time.Duration(v.source.config.Timeout) {
			return v.silent()
		}
		if v.tap.hasty(now) {
			return v.hasty()
		}
	}
	v.drain()
	return ctx.Err()
}

// drain reads on while the program ends: one that cannot write would not.
func (v *visit) drain() {
	_ = v.child.Stdout.SetReadDeadline(time.Now().Add(grace))
	_, _ = io.Copy(io.Discard, v.child.Stdout)
}

// closed is called when the program's output ended.
func (v *visit) closed(ctx context.Context) error {
	v.tap.flush()
	v.child.Settle(ctx)
	select {
	case <-v.child.Done():
		return errEnded
	default:
		return errClosed
	}
}

// listen takes down what the program says.
func (v *visit) listen(context.Context) error {
	v.said.Listen(v.child.Stderr)
	return nil
}

// watch notices the end of a program whose output something else holds open.
func (v *visit) watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-v.child.Done():
	}
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-timer.C:
		return errEnded
	}
}

// verdict says why the visit ended, when all is said.
func (v *visit) verdict(ctx context.Context, err error) error {
	switch {
	case guard.Panicked(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errEnded):
		return v.ended(errors.New(v.child.Verdict()))
	case errors.Is(err, errClosed):
		return v.ended(fmt.Errorf("%s: %w", v.source, err))
	}
	return v.quoted(err)
}

// quoted adds to a fault what the program said first: the last is often how it took being ended.
func (v *visit) quoted(err error) error {
	f, ok := errors.AsType[*camera.Fault](err)
	if !ok || v.said.First() == "" {
		return err
	}
	return &camera.Fault{Reason: f.Reason, Advice: f.Advice, Err: fmt.Errorf("%w; it said: %s", f.Err, v.said.First())}
}

// ended is the fault of a program that did not go on. Why, it usually says itself.
func (v *visit) ended(err error) error {
	words := v.said.Words()
	f := &camera.Fault{Reason: camera.Closed, Err: fmt.Errorf("%w%s; %s", err, v.wrote(), words)}
	if !v.tap.begun() {
		f.Reason = camera.Unreachable
		f.Advice = "try the command by hand, as the user that the agent runs as: it must go on, and write video to its standard output"
	}
	if reason, advice := diagnose(words); advice != "" {
		f.Reason, f.Advice = reason, advice
	}
	return f
}
