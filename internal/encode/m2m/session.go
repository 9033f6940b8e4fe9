package m2m

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sync/errgroup"
)

// patience is how long a device may take to give back what it still has; working ones need a fraction of it.
const patience = time.Second

var (
	// errAnew ends a session whose device has to be opened anew for the picture in hand.
	errAnew = errors.New("the encoder has to be set up anew")
	// errAll ends a session that gave all it had.
	errAll = errors.New("all is encoded")
)

// A session is what a device does from being opened to being closed.
type session struct {
	*coder
	desk encode.Desk
	rate *encode.Rate

	inHand *encode.Frame // taken, and not encoded yet
	begun  bool          // a picture was given to the device
	given  int64         // ticks of the newest
	made   atomic.Int64  // ticks of the newest that came back, plus one
	came   chan struct{} // gets a value when one came back
	over   chan struct{} // closed when the last one came out
	joiner joiner
}

func newSession(c *coder, desk encode.Desk, r *encode.Rate, inHand *encode.Frame) *session {
	return &session{coder: c, desk: desk, rate: r, inHand: inHand, came: make(chan struct{}, 1), over: make(chan struct{})}
}

// run encodes until there are no more pictures, ctx ends, the device has to be set up anew (errAnew), or something fails.
func (s *session) run(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	group, inner := errgroup.WithContext(inner)
	guard.Go(group, func() error { return s.collect(inner) })
	fed := guard.Run(func() error { return s.feed(inner) })
	stop()
	collected := group.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case collected != nil && !errors.Is(collected, context.Canceled):
		return collected
	case errors.Is(fed, errAll):
		return nil
	}
	return fed
}

// feed gives the device its pictures.
func (s *session) feed(ctx context.Context) error {
	for {
		if err := s.waitForRoom(ctx); err != nil {
			return err
		}
		if s.inHand == nil {
			if s.inHand = s.desk.Take(ctx); s.inHand == nil {
				return s.finish(ctx, errAll)
			}
			if s.rate.Wrong(s.inHand.Ticks) {
				return s.finish(ctx, errAnew)
			}
		}
		if s.inHand.Force && s.begun {
			if err := s.force(ctx); err != nil {
				return err
			}
		}
		if err := s.give(s.inHand); err != nil {
			return err
		}
		s.inHand = nil
	}
}

// waitForRoom waits until the device has a buffer for a picture: before one is taken, so that the newest is.
func (s *session) waitForRoom(ctx context.Context) error {
	for {
		busy, err := s.in.Busy()
		if err != nil || busy < s.in.Buffers() {
			return err
		}
		if _, err := s.device.Wait(ctx, v4l2.Writable, 0); err != nil {
			return err
		}
	}
}

func (s *session) give(f *encode.Frame) error {
	if size := s.layout.size(); len(f.Data()) < size {
		return fmt.Errorf("a picture has %d bytes instead of %d", len(f.Data()), size)
	}
	s.begun, s.given = true, f.Ticks
	return s.in.Write(timeOf(f.Ticks), func(planes [][]byte) error {
		s.layout.put(planes[0], f.Data())
		planes[0] = planes[0][:s.layout.used]
		return nil
	})
}

// force sees to it that the next picture becomes a key frame: the device makes one of the next that it begins, so it must have finished those that it
// has. One that cannot be asked begins anew.
func (s *session) force(ctx context.Context) error {
	if !s.forces {
		return s.finish(ctx, errAnew)
	}
	s.settle(ctx)
	return s.device.SetControl(v4l2.ControlForceKeyFrame, 1)
}

// settle waits until the device has made something of all that it was given, for a while: of some pictures it makes nothing.
func (s *session) settle(ctx context.Context) {
	enough := time.NewTimer(patience / 4)
	defer enough.Stop()
	for s.made.Load() <= s.given {
		select {
		case <-s.came:
		case <-ctx.Done():
			return
		case <-enough.C:
			return
		}
	}
}

// finish has the device give what it still has, and returns why.
func (s *session) finish(ctx context.Context, why error) error {
	if ctx.Err() != nil || !s.begun {
		return why
	}
	if err := s.device.Drain(); err != nil { // a driver without this command keeps nothing back
		s.settle(ctx)
		return why
	}
	select {
	case <-s.over:
	case <-ctx.Done():
	case <-time.After(patience):
		return fmt.Errorf("%s (%s) did not give back its last pictures within %v", s.device.Path(), s.device.Info().Card, patience)
	}
	return why
}

// collect hands out what the device makes.
func (s *session) collect(ctx context.Context) error {
	for {
		if _, err := s.device.Wait(ctx, v4l2.Readable, 0); err != nil {
			return err
		}
		last := false
		err := s.out.Read(func(p v4l2.Picture) error {
			last = p.Last
			return s.emit(p)
		})
		switch {
		case errors.Is(err, v4l2.ErrAgain):
		case errors.Is(err, io.EOF), err == nil && last:
			close(s.over)
			return nil
		case err != nil:
			return err
		}
	}
}

// emit hands out what the device made of a picture.
func (s *session) emit(p v4l2.Picture) error {
	made := p.Planes[0]
	switch {
	case p.Broken:
		return fmt.Errorf("%s (%s) says that it failed to encode a picture", s.device.Path(), s.device.Info().Card)
	case len(made) == 0 && p.Last: // no picture, but the end
		return nil
	case len(made) == 0:
		s.desk.Skip()
	default:
		unit := s.joiner.join(s.coded, made)
		if unit == nil {
			return nil
		}
		s.desk.Emit(unit, uint32(ticksOf(p.Timestamp)))
	}
	s.made.Store(ticksOf(p.Timestamp) + 1)
	select {
	case s.came <- struct{}{}:
	default:
	}
	return nil
}
