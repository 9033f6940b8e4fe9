package pipe

import (
	"context"
	"errors"
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"golang.org/x/sys/unix"
)

// A worker is one child and its conversation.
type worker struct {
	talk  Talk
	child *child.Child
	job   encode.Job
	desk  encode.Desk
	said  child.Talk
	told  bool // that nothing more comes
}

// errEnded: the child closed its output. Why is asked elsewhere.
var errEnded = errors.New("the encoder ended")

func (w *worker) run(ctx context.Context) error {
	err := w.child.Converse(ctx, w.feed, w.read, w.listen)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.Is(err, errEnded):
		return err
	case w.told && w.child.End() == nil:
		return nil
	}
	return &endError{verdict: w.child.Verdict(), words: w.said.Words(), first: w.said.First()}
}

// An endError says how a child ended that should have gone on.
type endError struct{ verdict, words, first string }

func (e *endError) Error() string { return e.verdict + "; " + e.words }

// Brief implements encode.Briefer: what follows the first line are consequences.
func (e *endError) Brief() string {
	if e.first == "" {
		return e.verdict
	}
	return e.first
}

// feed gives the child its pictures. When it is gone, read notices.
func (w *worker) feed(ctx context.Context) error {
	if w.job.Codec.Raw() {
		widen(w.child.Stdin)
	}
	if _, err := w.child.Stdin.Write(w.talk.Head); err != nil {
		return nil
	}
	for {
		f := w.desk.Take(ctx)
		switch {
		case f == nil && ctx.Err() != nil:
			return ctx.Err()
		case f == nil:
			w.told = true
			return w.child.Stdin.Close()
		}
		if _, err := w.child.Stdin.Write(w.talk.Wrap(f)); err != nil {
			return nil
		}
	}
}

// widen gives the pipe the size that a process without privileges may ask for (pipe(7)): a raw picture then goes through in some steps instead of
// dozens. It is no more than a few pictures; of others, which are smaller, too many would wait in there.
func widen(pipe *os.File) {
	const size = 1 << 20
	if raw, err := pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size) }) // with less it works as well
	}
}

// read hands out what the child makes.
func (w *worker) read(ctx context.Context) error {
	if err := w.talk.Read(w.child.Stdout, w.desk.Emit); err != nil {
		return err
	}
	w.child.Settle(ctx)
	return errEnded
}

// listen takes down what the child says.
func (w *worker) listen(context.Context) error {
	w.said.Listen(w.child.Stderr)
	return nil
}
