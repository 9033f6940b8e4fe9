package publish

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
)

// Kind is the part of the status board that shows a publisher. off: there is no stream to publish to, or no video yet.
var Kind = status.Kind{Name: "publisher", States: []string{"off", "joining", "live", "failed"}}

// Grants is a lease, as far as a publisher needs it.
type Grants interface {
	// Grant returns the newest grant. It has no token while a stream was taken over and not renewed yet.
	Grant() overshoot.Grant
	// Renew fetches a new one, or finds that the stream is gone, and blocks until that is known. The error is of no interest: whoever
	// holds the lease acts on it.
	Renew(ctx context.Context) error
}

// A Loop keeps one camera in the room of its stream. LiveKit's own reconnecting gives up after a minute, cannot be given a newer token
// and does not come back when the server sent it away; this loop does all three, for as long as the lease lasts.
type Loop struct {
	Publisher Publisher
	// Attach lets write have the camera's packets until detach is called; hub.Hub has it.
	Attach func(write func(camera.Packet)) (detach func())
	// Refresh says that the room asked for a key frame, and does not block; hub.Hub has it.
	Refresh func()
	// Parameters returns the parameter sets of what the camera sends, or has announced before it sends; hub.Hub has it.
	Parameters func() camera.Parameters
	Part       *status.Part // of Kind
	Metrics    *Metrics
	Log        *zap.Logger

	stays uint64 // so far; of Run's goroutine, like turns
	turns turns
	now   atomic.Pointer[stay]
}

// A stay is one session, seen from outside.
type stay struct {
	number uint64
	video  h264.Format // as it was announced
	doubts chan error
	looks  chan struct{} // the video may have changed
	later  *time.Timer   // a look that waits for its turn; of Run's goroutine
}

// Stay returns the number of the stay in the room that lasts now, counted from 1, or 0 when there is none.
func (l *Loop) Stay() uint64 {
	if s := l.now.Load(); s != nil {
		return s.number
	}
	return 0
}

// Doubt ends a stay with err and makes the loop join anew: the caller has evidence that nothing of what we send arrives. It does nothing
// when the stay of that number has ended already. It does not block.
func (l *Loop) Doubt(number uint64, err error) {
	s := l.now.Load()
	if s == nil || s.number != number {
		return
	}
	select {
	case s.doubts <- err:
	default: // it ends already
	}
}

// Run blocks until ctx ends, and has left the room when it returns. It returns nil, or a *guard.Panic as soon as something in it or in a
// session panicked.
func (l *Loop) Run(ctx context.Context, grants Grants) error {
	defer l.Part.Set("off", nil)
	pace := &pace{}
	for ctx.Err() == nil {
		started, stays := time.Now(), l.stays
		err := guard.Run(func() error { return l.runOnce(ctx, grants) })
		if p, ok := errors.AsType[*guard.Panic](err); ok {
			return p
		}
		if ctx.Err() != nil {
			return nil
		}
		if isChange(err) {
			l.Log.Info("announcing the video anew", zap.String("cause", err.Error()))
			continue
		}
		entered, lasted := l.stays > stays, time.Since(started)
		l.failed(err)
		// A connection that broke, but not at once, says nothing against us: whoever finds its server again is welcome.
		broke := errors.Is(err, ErrBroken) && lasted > brief
		if entered && (broke || lasted > settled) {
			pace.reset()
		}
		unwelcome := errors.Is(err, ErrGrant) || errors.Is(err, ErrCodec) || entered && !broke
		if !retry.Sleep(ctx, pace.next(time.Now(), unwelcome)) {
			return nil
		}
		if entered || errors.Is(err, ErrGrant) {
			renew(ctx, grants)
		}
	}
	return nil
}

// failed shows why an attempt or a stay came to its end.
func (l *Loop) failed(err error) {
	if errors.Is(err, errNoGrant) {
		return // the lease says what is the matter
	}
	if errors.Is(err, ErrUnacknowledged) {
		l.Metrics.doubted(evidenceReports)
	}
	l.Metrics.reconnects.Inc()
	l.Part.Set("failed", err)
}

// renew asks for a fresh grant after a stay that ended or a token that was refused. Whether that brings one, or word that the stream is
// gone, the lease knows what to do with it. It does not wait long: the room may be there while the service is not.
func renew(ctx context.Context, grants Grants) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_ = grants.Renew(ctx)
}

// errNoGrant says that there is nothing to join with yet.
var errNoGrant = errors.New("there is no grant yet")

// grant returns the newest grant that lets us in somewhere. A stream that was taken over from an earlier run has none before its lease
// was renewed.
func grant(ctx context.Context, grants Grants) (overshoot.Grant, error) {
	if g := grants.Grant(); g.Token != "" {
		return g, nil
	}
	_ = grants.Renew(ctx)
	if g := grants.Grant(); g.Token != "" {
		return g, nil
	}
	return overshoot.Grant{}, errNoGrant
}

// quickLook is how often we look whether a camera that has said nothing yet says what it sends.
const quickLook = 50 * time.Millisecond

// firstVideo waits until the camera has said what it sends. A stream that was taken over from an earlier run may be there before the camera
// is, and in a room without packets we would be but for a while.
func (l *Loop) firstVideo(ctx context.Context) (h264.Format, error) {
	if video, ok := l.video(); ok {
		return video, nil
	}
	l.Part.Detail("waiting_for", "the camera's first parameter set")
	defer l.Part.Detail("waiting_for", "")
	for retry.Sleep(ctx, quickLook) {
		if video, ok := l.video(); ok {
			return video, nil
		}
	}
	return h264.Format{}, ctx.Err()
}

// runOnce is one stay in the room. It returns why it ended, or why there was none.
func (l *Loop) runOnce(ctx context.Context, grants Grants) error {
	video, err := l.firstVideo(ctx)
	if err != nil {
		return err
	}
	l.Part.Set("joining", nil)
	grant, err := grant(ctx, grants)
	if err != nil {
		return err
	}
	session, err := l.Publisher.Join(ctx, grant, video)
	if err != nil {
		return err
	}
	defer session.Close()
	select {
	case <-session.KeyFrames(): // a key frame is what the stay begins with anyway
	default:
	}
	detach := l.Attach(session.Write)
	defer detach()
	l.stays++
	s := &stay{number: l.stays, video: video, doubts: make(chan error, 1), looks: make(chan struct{}, 1)}
	s.look() // it may have changed while we joined
	l.now.Store(s)
	defer l.now.Store(nil)
	l.Metrics.live.Set(1)
	defer l.Metrics.live.Set(0)
	l.Part.Set("live", nil)
	l.Part.Detail("video", describe(video))
	defer l.Part.Detail("video", "")
	l.Part.Well()
	return l.serve(ctx, session, s)
}

// serve does what the room and the camera ask for until the stay has to end, and returns why it has to.
func (l *Loop) serve(ctx context.Context, session Session, s *stay) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-session.Lost():
			return session.Err()
		case err := <-s.doubts:
			l.Metrics.doubted(evidencePictures)
			return err
		case <-session.KeyFrames():
			l.Refresh()
		case <-s.looks:
			if err := l.compare(s); err != nil {
				return err
			}
		}
	}
}
