// Package stdout is the sink that writes results to standard output, one JSON object per line, for pipes: overshoot-agent run | jq.
package stdout

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"golang.org/x/sys/unix"
)

// Check reads a section, which has no settings.
func Check(s config.Section) error { return s.Decode(&struct{}{}) }

// Sink writes to a file that is open already. It never closes it: it is not ours.
type Sink struct {
	out *os.File
	fd  int // of its copy; -1 until there is something to write

	rest []byte // of a line that was begun
	id   string // of its result
}

// New returns the sink that writes to out.
func New(out *os.File) *Sink { return &Sink{out: out, fd: -1} }

// Deliver implements sink.Sink. A result is taken when whoever reads can have its whole line.
func (s *Sink) Deliver(ctx context.Context, batch []result.Result) (taken int, err error) {
	if err := s.open(); err != nil {
		return 0, err
	}
	began := s.id
	if err := s.flush(ctx); err != nil {
		return 0, err
	}
	if len(batch) > 0 && began == batch[0].ID && began != "" {
		taken = 1 // that was the rest of it
	}
	for _, r := range batch[taken:] {
		text, err := r.MarshalJSON()
		if err != nil {
			return taken, &sink.Error{Kind: sink.Refused, Final: true, Err: fmt.Errorf("writing the result as JSON: %w", err)}
		}
		s.rest, s.id = append(text, '\n'), r.ID
		whole := len(s.rest)
		if err := s.flush(ctx); err != nil {
			if len(s.rest) == whole {
				s.rest, s.id = nil, "" // nothing of it went out
			}
			return taken, err
		}
		taken++
	}
	return taken, nil
}

// open makes a copy of the descriptor: the Go runtime ends the process on a broken pipe at descriptor 1 and 2, but not at others.
func (s *Sink) open() error {
	if s.fd >= 0 {
		return nil
	}
	fd, err := unix.FcntlInt(s.out.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return fmt.Errorf("opening standard output: %w", err)
	}
	s.fd = fd
	return nil
}

// piece is how much a pipe takes at once without blocking when it is ready at all (PIPE_BUF of pipe(7)).
const piece = 4096

// flush writes the rest of a line. What is left is in s.rest.
func (s *Sink) flush(ctx context.Context) error {
	for len(s.rest) > 0 {
		if err := s.ready(ctx); err != nil {
			return err
		}
		n, err := unix.Write(s.fd, s.rest[:min(piece, len(s.rest))])
		switch {
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN):
		case errors.Is(err, unix.EPIPE):
			s.rest, s.id = nil, "" // whoever reads next begins with a whole line
			return errors.New("writing to standard output: nobody reads it any more (broken pipe); start the agent again with a reader, " +
				"or remove the sink of type stdout")
		case err != nil:
			return fmt.Errorf("writing to standard output: %w", err)
		default:
			s.rest = s.rest[n:]
		}
	}
	s.rest, s.id = nil, ""
	return nil
}

// ready waits until a write does not block. Standard output is shared with other processes, so it cannot be made non-blocking.
func (s *Sink) ready(ctx context.Context) error {
	const look = 100 // milliseconds between looks at ctx
	for {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("writing to standard output: %w", err)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}, look)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for standard output: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
}

// Close implements sink.Sink.
func (s *Sink) Close() error {
	if s.fd < 0 {
		return nil
	}
	err := unix.Close(s.fd)
	s.fd = -1
	return err
}
