package encode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"go.uber.org/zap"
)

// complaint is the least time between two warnings that the encoder is too slow.
const complaint = time.Minute

// A shift is the life of one child.
type shift struct {
	t       *Transcoder
	choice  choice
	packets *packets

	child   *child.Child
	said    child.Talk
	pulse   pulse
	failed  bool          // it should have gone on
	changed bool          // the camera's pictures changed, and with them the encoder must
	charged time.Duration // processor time in the metrics
	warned  time.Time     // when we said that it is too slow
}

// errEnded: the child closed its output. Why is asked elsewhere.
var errEnded = errors.New("the encoder ended")

// run returns nil when another child must take over because the pictures changed.
func (s *shift) run(ctx context.Context) error {
	t := s.t
	t.options.Metrics.dropped.Add(float64(t.queue.restart()))
	ffmpeg, err := child.Start(child.Command{Program: s.choice.program, Args: arguments(s.choice.encoder, t.options), Env: child.Environment()})
	if err != nil {
		s.failed = true
		return err
	}
	s.child = ffmpeg
	s.said = child.Talk{Log: t.options.Log, Scrub: t.options.Encoders.scrub, Name: "ffmpeg"}
	err = ffmpeg.Converse(ctx, s.feed, s.read, s.watch, s.listen)
	s.charge()
	switch {
	case guard.Panicked(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case s.changed && errors.Is(err, errEnded):
		return nil
	case errors.Is(err, errEnded):
		err = fmt.Errorf("%s; %s", ffmpeg.Verdict(), s.said.Words())
	}
	s.failed = true
	return err
}

// feed gives the child the pictures of one shape.
func (s *shift) feed(ctx context.Context) error {
	q := s.t.queue
	if _, err := s.child.Stdin.Write(ivfStart()); err != nil {
		return nil // it is gone, which read will notice
	}
	for shape := 0; ; {
		f := q.take(ctx)
		switch {
		case f == nil:
			return ctx.Err()
		case shape == 0:
			shape = f.shape
		case shape != f.shape:
			q.unread(f)
			s.changed = true
			s.pulse.ending()
			return s.child.Stdin.Close()
		}
		s.pulse.writing()
		_, err := s.child.Stdin.Write(f.data)
		s.pulse.written()
		q.recycle(f)
		if err != nil {
			return nil
		}
	}
}

// read delivers what the child makes.
func (s *shift) read(ctx context.Context) error {
	err := new(demuxer).run(s.child.Stdout, func(picture []byte, pts uint64) {
		if !s.packets.send(picture, uint32(pts)) {
			return
		}
		s.t.options.Metrics.out.Inc()
		if first := s.pulse.came(); first {
			s.t.queue.started()
		}
	})
	if err != nil {
		return err
	}
	s.child.Settle(ctx)
	return errEnded
}

// watch ends a child that hangs, and keeps the accounts.
func (s *shift) watch(ctx context.Context) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s.charge()
		s.warn()
		if patience := s.t.options.Patience; s.pulse.silence() > patience {
			return fmt.Errorf("ffmpeg hangs: it took pictures and gave none for %v", patience)
		}
	}
}

// listen takes down what the child says.
func (s *shift) listen(context.Context) error {
	s.said.Listen(s.child.Stderr)
	return nil
}

// charge brings the processor time in the metrics up to date.
func (s *shift) charge() {
	used := s.child.ProcessorTime()
	if used > s.charged {
		s.t.options.Metrics.cpu.Add((used - s.charged).Seconds())
		s.charged = used
	}
}

// warn says, not too often, that the encoder is too slow.
func (s *shift) warn() {
	if s.t.late.Load() == 0 || time.Since(s.warned) < complaint {
		return
	}
	s.warned = time.Now()
	s.t.options.Log.Warn("the encoder cannot keep up, pictures are dropped",
		zap.Int64("dropped", s.t.late.Swap(0)), zap.String("encoder", s.choice.encoder.name),
		zap.String("advice", "use the camera's second stream, give it fewer pictures per second, lower max_height, or set the camera to H.264, which costs nothing here"))
}
