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

// Run transcodes what Write brings, until ctx ends or no encoder is left. An encoder that fails is started again after a pause, and after the second failure in a row it
// makes room for the next. The error is a *camera.Fault. When Run has returned, the child is gone, and Run may be called again.
func (t *Transcoder) Run(ctx context.Context, r Receiver) error {
	defer t.use("")
	pause := retry.NewPause(250*time.Millisecond, 5*time.Second)
	var last error
	for {
		chosen, err := t.options.Encoders.choose(ctx, t.avoid)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return t.giveUp(err, last)
		}
		t.announce(chosen)
		s := &shift{t: t, choice: chosen, packets: newPackets(r)}
		last = s.run(ctx)
		t.judge(s, ctx.Err() != nil)
		switch {
		case guard.Panicked(last), ctx.Err() != nil:
			return last
		case last == nil: // the camera's pictures changed, and with them the encoder must
			continue
		}
		t.options.Metrics.restarts.Inc()
		t.options.Log.Warn("encoder failed, will start again", zap.String("encoder", chosen.encoder.name), zap.Error(last))
		if s.pulse.lived() >= healthy {
			pause.Reset()
		}
		pause.Wait(ctx)
	}
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
	name := s.choice.encoder.name
	if s.pulse.lived() >= healthy {
		t.strikes[name] = 0
	}
	if s.failed || stopped && s.pulse.silence() > t.options.Patience/2 { // a camera's watchdog may lose patience before us
		t.strikes[name]++
	}
}

func (t *Transcoder) announce(c choice) {
	fields := []zap.Field{
		zap.String("from", string(t.options.Codec)), zap.String("encoder", c.encoder.name),
		zap.Int("max_height", t.options.MaxHeight), zap.Int("max_bitrate", bitrate(t.options)),
	}
	if len(c.passed) > 0 {
		fields = append(fields, zap.Strings("passed_over", reasons(c.passed)))
	}
	t.options.Log.Info("transcoding", fields...)
	t.use(c.encoder.name)
}

// use shows which encoder is in use.
func (t *Transcoder) use(name string) {
	t.options.Metrics.use(name)
	if t.options.Using != nil {
		t.options.Using(name)
	}
}
