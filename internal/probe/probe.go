// Package probe watches one camera for some seconds and says in plain words what it sends, what the agent would make of it, and what to
// change in the camera's settings.
//
// It opens the camera through the same source as the agent does, and reads the video with the same parts, so that what it says holds for the
// agent as well. Nothing is published, and nothing is decoded.
package probe

import (
	"context"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// Options of a probe.
type Options struct {
	// Length is for how long to watch once the camera has agreed to send. 0: until three key frames came, within 3 to 10 s, and up to 30 s
	// where there was no second one.
	Length time.Duration
	// Transcode is the camera's setting of that name; "" for its default.
	Transcode string
	// MaxHeight is the camera's setting of that name.
	MaxHeight int
	// Encoders are tried only if the video has to be transcoded.
	Encoders Encoders
}

// Run opens the camera once and reports what it found, also when that is a failure. It blocks until it knows enough, until ctx ends, or
// until the source gives up; then the camera is closed.
func Run(ctx context.Context, source camera.Source, o Options) *Report {
	m := newMeter()
	err := m.watch(ctx, source, o.Length)
	r := &Report{Camera: plain(source.String()), Connection: []Fact{}, Timing: m.timing(), Video: m.video()}
	r.connection(source)
	r.judge(ctx, m, o, err)
	r.Advice = r.advice()
	return r
}

// watch returns why the source ended, nil when it did not end by itself.
func (m *meter) watch(ctx context.Context, source camera.Source, length time.Duration) error {
	sourceCtx, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- guard.Run(func() error { return source.Run(sourceCtx, m) }) }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			m.stop()
			if err == nil && ctx.Err() == nil {
				err = &camera.Fault{Reason: camera.Closed, Err: fmt.Errorf("%s ended its stream", source)}
			}
			if ctx.Err() != nil {
				err = nil
			}
			return err
		case <-tick.C:
			if m.enough(length) {
				m.stop()
				end()
				<-ended
				return nil
			}
		}
	}
}

// timing may be called when nothing is measured any more.
func (m *meter) timing() (t Timing) {
	since := func(at time.Time) Millis {
		if at.IsZero() {
			return 0
		}
		return Millis(at.Sub(m.started))
	}
	t.Connected, t.FirstPacket = since(m.begun), since(m.first)
	if !m.begun.IsZero() {
		t.Watched = Millis(m.ended.Sub(m.begun))
	}
	for _, p := range m.film().pictures {
		if p.key {
			t.FirstKey = since(p.ended)
			break
		}
	}
	return t
}

// connection takes over what the source found out.
func (r *Report) connection(source camera.Source) {
	reporter, ok := source.(camera.Reporter)
	if !ok {
		return
	}
	report := reporter.Report()
	for _, f := range report.Facts {
		r.Connection = append(r.Connection, Fact{plain(f.Name), plain(f.Value)})
	}
	r.SDP = plainLines(report.Answer)
}
