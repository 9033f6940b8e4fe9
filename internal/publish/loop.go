package publish

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// Kind is the part of the status board that shows a publisher. off: there is no stream to publish to.
var Kind = status.Kind{Name: "publisher", States: []string{"off", "joining", "live", "failed"}}

// Grants is a lease, as far as a publisher needs it.
type Grants interface {
	Grant() overshoot.Grant
	Renew(ctx context.Context) error
}

// A Loop keeps one camera in the room of its stream. LiveKit's own reconnecting gives up after a minute, cannot be given a newer token
// and does not come back when the server sent it away; this loop does all three, for as long as the lease lasts.
type Loop struct {
	Publisher Publisher
	// Attach lets write have the camera's packets until detach is called; hub.Hub has it.
	Attach  func(write func(camera.Packet)) (detach func())
	Part    *status.Part // of Kind
	Metrics *Metrics

	stays atomic.Uint64
	live  atomic.Bool
}

// Stay returns the number of the stay in the room that lasts now, counted from 1, or 0 when there is none.
func (l *Loop) Stay() uint64 {
	if !l.live.Load() {
		return 0
	}
	return l.stays.Load()
}

// settled is how long a session must last before the pauses between attempts start small again.
const settled = 10 * time.Second

// Run blocks until ctx ends, and has left the room when it returns.
func (l *Loop) Run(ctx context.Context, grants Grants) {
	defer l.Part.Set("off", nil)
	pause := retry.NewPause(300*time.Millisecond, 10*time.Second)
	for ctx.Err() == nil {
		l.Part.Set("joining", nil)
		started, stays := time.Now(), l.stays.Load()
		err := l.runOnce(ctx, grants.Grant())
		left := l.stays.Load() > stays
		if ctx.Err() != nil {
			return
		}
		l.Metrics.reconnects.Inc()
		l.Part.Set("failed", err)
		if time.Since(started) > settled {
			pause.Reset()
		}
		if !pause.Wait(ctx) {
			return
		}
		if left || errors.Is(err, ErrGrant) {
			renew(ctx, grants)
		}
	}
}

// renew asks for a fresh grant after a stay that ended or a token that was refused. Whether that brings one, or word that the stream is
// gone, the lease knows what to do with it. It does not wait long: the room may be there while the service is not.
func renew(ctx context.Context, grants Grants) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_ = grants.Renew(ctx)
}

// runOnce is one stay in the room. It returns why it ended.
func (l *Loop) runOnce(ctx context.Context, grant overshoot.Grant) error {
	session, err := l.Publisher.Join(ctx, grant)
	if err != nil {
		return err
	}
	defer session.Close()
	detach := l.Attach(session.Write)
	defer detach()
	l.stays.Add(1)
	l.live.Store(true)
	defer l.live.Store(false)
	l.Metrics.live.Set(1)
	defer l.Metrics.live.Set(0)
	l.Part.Set("live", nil)
	l.Part.Well()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-session.Lost():
		return session.Err()
	}
}
