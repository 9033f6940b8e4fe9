package encode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"go.uber.org/zap"
)

// farewell is how long an encoder in this process may take to return when it shall. One that works needs the time of a picture, and one that
// hangs in a driver takes for ever. Children are left alone by those who started them.
const farewell = 2 * time.Second

// A shift is the work of one encoder on pictures of one shape.
type shift struct {
	t       *Transcoder
	encoder Encoder
	job     Job
	desk    *desk

	pulse   pulse
	failed  bool          // it should have gone on
	charged time.Duration // processor time in the metrics
	warned  time.Time     // when we said that it is too slow
}

func newShift(t *Transcoder, e Encoder, p plan, r Receiver) *shift {
	s := &shift{t: t, encoder: e, job: p.job}
	s.desk = newDesk(t, &s.pulse, r, p.shape)
	return s
}

// run returns nil when another encoder must take over because the pictures changed.
func (s *shift) run(ctx context.Context) error {
	t := s.t
	t.options.Metrics.dropped.Add(float64(t.queue.restart()))
	working, end := context.WithCancel(ctx)
	defer end()
	work := attempt(func() error { return s.encoder.Work(working, s.job, s.desk) })
	t.prompt.Store(s.encoder.Class().Inside())
	err := s.watch(ctx, work)
	t.prompt.Store(false)
	end()
	returned := work.within(s.encoder.Class())
	changed, broken := s.desk.close()
	if returned {
		s.desk.giveBack()
		s.charge()
	} else {
		t.options.Encoders.leave(s.encoder.Name(), work)
	}
	switch {
	case broken != nil:
		return broken
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && changed:
		return nil
	}
	s.failed = true
	return s.failure(err)
}

// failure says why the encoder does not go on.
func (s *shift) failure(err error) error {
	if err == nil {
		return errors.New("it ended by itself")
	}
	if p, ok := errors.AsType[*guard.Panic](err); ok { // it concerns this encoder, and there are others
		s.t.options.Log.Error("the encoder panicked", zap.String("encoder", s.encoder.Name()), zap.ByteString("stack", p.Stack))
		return fmt.Errorf("it panicked: %v", p.Value)
	}
	return err
}

// watch waits for the end of the work, or for a reason to end it, and keeps the accounts meanwhile.
func (s *shift) watch(ctx context.Context, work *outcome) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-work.over:
			return work.err
		case <-s.desk.broke:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		s.charge()
		s.warn()
		if patience := s.t.options.Patience; s.pulse.silence() > patience {
			return fmt.Errorf("it hangs: it took pictures and gave none for %v", patience)
		}
	}
}

// charge brings the processor time in the metrics up to date.
func (s *shift) charge() {
	used := s.desk.processorTime()
	if used > s.charged {
		s.t.options.Metrics.cpu.Add((used - s.charged).Seconds())
		s.charged = used
	}
}
