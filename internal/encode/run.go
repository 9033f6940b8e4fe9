package encode

import (
	"context"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"go.uber.org/zap"
)

const (
	healthy    = 10 * time.Second // an encoder that gave pictures for so long is good
	maxStrikes = 2                // failures in a row that make us use the next
)

// Run transcodes what Write brings, until ctx ends or no encoder is left. An encoder that fails is started again after a pause, and after the
// second failure in a row it makes room for the next. The error is a *camera.Fault. When Run has returned, no encoder is at work any more, but for
// one that a driver does not let go; Run may be called again.
func (t *Transcoder) Run(ctx context.Context, r Receiver) error {
	defer t.use("")
	pause := retry.NewPause(250*time.Millisecond, 5*time.Second)
	var last error
	for {
		p, err := t.plan(ctx)
		if err != nil {
			return err
		}
		chosen, err := t.options.Encoders.choose(ctx, p.job, t.avoid)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return t.giveUp(err, last)
		}
		t.announce(p.job, chosen)
		s := newShift(t, chosen.encoder, p, r)
		last = s.run(ctx)
		t.judge(s, ctx.Err() != nil)
		switch {
		case guard.Panicked(last), ctx.Err() != nil:
			return last
		case last == nil: // the camera's pictures changed, and with them the encoder must
			continue
		}
		t.options.Metrics.restarts.Inc()
		t.options.Log.Warn("encoder failed, will start again", zap.String("encoder", chosen.encoder.Name()), zap.Error(last))
		if s.pulse.lived() >= healthy {
			pause.Reset()
		}
		pause.Wait(ctx)
	}
}

// A plan is what there is to do.
type plan struct {
	job   Job
	shape shape // of the pictures, where each stands alone
}

// plan looks at the pictures that wait. Where every picture stands alone it waits for the first: raw ones cannot be encoded without knowing their
// size, and of others it decides which encoders can do the job.
func (t *Transcoder) plan(ctx context.Context) (plan, error) {
	o := t.options
	p := plan{job: Job{Codec: o.Codec, MaxHeight: o.MaxHeight, Log: o.Log}}
	if o.Codec.Single() {
		f := t.queue.take(ctx)
		if f == nil {
			return plan{}, ctx.Err()
		}
		p.shape = f.shape
		t.queue.unread(f)
	}
	p.job.Width, p.job.Height = p.shape.width, p.shape.height
	p.job.Bitrate = bitrate(o.Bitrate, p.job)
	return p, nil
}

// bitrate is enough for people and objects to be recognized by: 2 Mbit/s at 720 lines, and in proportion to the area.
func bitrate(wanted int, job Job) int {
	if wanted > 0 {
		return wanted
	}
	lines := job.MaxHeight
	if lines == 0 || job.Height > 0 && job.Height < lines {
		lines = job.Height
	}
	if lines == 0 {
		lines = 1080
	}
	return max(300_000, 2_000_000*lines/720*lines/720)
}

// avoid says why an encoder is not to be used any more.
func (t *Transcoder) avoid(name string) error {
	if n := t.strikes[name]; n >= maxStrikes {
		return fmt.Errorf("it failed with this camera %d times in a row", n)
	}
	return nil
}

// giveUp is the end of Run when no encoder is left. Those that failed with this camera get another chance in the next Run.
func (t *Transcoder) giveUp(err, last error) error {
	clear(t.strikes)
	if last == nil {
		return err
	}
	return &camera.Fault{
		Reason: camera.Protocol, Err: fmt.Errorf("transcoding the camera's %s fails with every encoder: %w", t.options.Codec, last),
		Advice: "look at the camera's picture with another program; it may be damaged",
	}
}

// judge draws conclusions from the end of a shift.
func (t *Transcoder) judge(s *shift, stopped bool) {
	name := s.encoder.Name()
	if s.pulse.lived() >= healthy {
		t.strikes[name] = 0
	}
	if s.failed || stopped && s.pulse.silence() > t.options.Patience/2 { // a camera's watchdog may lose patience before us
		t.strikes[name]++
	}
}

func (t *Transcoder) announce(job Job, c choice) {
	fields := []zap.Field{
		zap.String("from", string(job.Codec)), zap.String("encoder", c.encoder.Name()),
		zap.Int("max_height", job.MaxHeight), zap.Int("max_bitrate", job.Bitrate),
	}
	if len(c.passed) > 0 {
		fields = append(fields, zap.Strings("passed_over", reasons(c.passed)))
	}
	t.options.Log.Info("transcoding", fields...)
	t.options.Encoders.hint(c.encoder, t.options.Log)
	t.use(c.encoder.Name())
}

// use shows which encoder is in use.
func (t *Transcoder) use(name string) {
	t.options.Metrics.use(name)
	if t.options.Using != nil {
		t.options.Using(name)
	}
}
