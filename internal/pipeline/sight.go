package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

// sight tells whether fresh pictures reach the service, so that no question is paid for that would be answered from an old one. What the
// service has seen counts, not that we are connected: only a picture that arrived can be asked about.
type sight struct {
	open  atomic.Bool
	asked atomic.Bool // somebody wanted to ask since the last look
}

func (s *sight) clear() bool {
	s.asked.Store(true)
	return s.open.Load()
}

func (s *sight) close() { s.open.Store(false) }

// errBlind ends a stay in which nothing arrives.
var errBlind = errors.New("the service sees no new pictures, though the camera delivers and the room takes them")

const (
	// fresh is the age of the newest picture up to which it is worth a question.
	fresh = time.Second

	// late is how much older than the camera's newest picture what is sent may be, and for how long nothing older must have been sent: the
	// newest picture of a window that is sampled twice a second may have arrived so long ago.
	late = fresh / 2

	// Each look at the service is a request. Watches wait while the sight is closed, so the looks are quick then, for a moment; otherwise
	// they are steady while questions are asked, and rare while nobody asks.
	quickLook  = 250 * time.Millisecond
	quickLooks = 20
	steadyLook = 5 * time.Second
	rareLook   = 30 * time.Second
	// hurriedLook bounds a look while the sight is open: until it ends nobody sees that the camera went dark.
	hurriedLook = 3 * time.Second

	// disbelief is for how long at least nothing may arrive before the stay is doubted. It doubles with each stay that was doubted in vain.
	disbelief        = 8 * time.Second
	longestDisbelief = 5 * time.Minute
	// twoKeys: a service that missed a picture shows none before the next key frame, and some cameras send one in twenty seconds only.
	twoKeys = 2
)

// What the sight looks at, as far as it needs it.
type (
	service interface {
		Get(ctx context.Context, id, region string) (overshoot.StreamState, error)
	}
	room interface {
		Stay() uint64
		Doubt(stay uint64, err error)
	}
	pictures interface {
		PictureAge() time.Duration
		Lag() time.Duration
		Counts() hub.Counts
	}
)

// watch opens the sight while the camera delivers, the publisher is in the room, what it sends is not old, and the service sees pictures of
// this very stay. When it sees none for too long it doubts the stay. It blocks until ctx ends, and leaves the sight closed.
func (s *sight) watch(ctx context.Context, client service, l *lease.Lease, publisher room, camera pictures) {
	defer s.close()
	o := &observer{
		sight: s, room: publisher, camera: camera, patience: disbelief, renew: l.Renew, failures: retry.NewPause(quickLook, rareLook),
		look: func(ctx context.Context) (overshoot.StreamState, error) { return client.Get(ctx, l.ID, l.Region()) },
	}
	for retry.Sleep(ctx, nextLook()) {
		o.observe(ctx)
	}
}

// An observer finds out whether the sight may be open. One goroutine has it.
type observer struct {
	*sight
	room   room
	camera pictures
	look   func(context.Context) (overshoot.StreamState, error)
	renew  func(context.Context) error

	lateAt   time.Time    // when old pictures were sent last
	failures *retry.Pause // between looks that get no answer
	stay     uint64       // the one that is being observed; 0: none
	quick    int          // quick looks that are left
	due      time.Time
	progress progress
	still    int           // looks in a row that saw nothing new
	patience time.Duration // the disbelief of this stay
}

// progress is what had arrived at the service when that changed last.
type progress struct {
	state overshoot.StreamState
	at    time.Time // zero: nobody has looked yet
	keys  uint64    // that the camera had delivered
}

func (o *observer) observe(ctx context.Context) {
	stay := o.room.Stay()
	if stay == 0 || o.camera.PictureAge() > fresh {
		o.close()
		o.stay = 0 // a camera that comes back has to show it: its pictures are held up until its first key frame
		return
	}
	if stay != o.stay {
		o.close()
		o.stay, o.quick, o.due, o.progress, o.still = stay, quickLooks, time.Time{}, progress{}, 0
	}
	if o.late() {
		o.close()
		o.quick, o.due, o.progress, o.still = quickLooks, time.Time{}, progress{}, 0 // what arrived until then proves nothing about later
		return
	}
	if time.Now().Before(o.due) {
		return
	}
	if o.open.Load() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hurriedLook)
		defer cancel()
	}
	state, err := o.look(ctx)
	if err != nil { // no answer proves nothing
		o.due = time.Now().Add(o.afterError(ctx, err))
		return
	}
	o.failures.Reset()
	o.judge(state)
	o.due = time.Now().Add(o.pause())
}

// late tells whether old pictures are being sent, or were a moment ago: from the last key frame on, to catch up. The service would show them
// as new, so looks prove nothing.
func (o *observer) late() bool {
	if o.camera.Lag() > late {
		o.lateAt = time.Now()
	}
	return time.Since(o.lateAt) < late
}

// afterError is how long to wait before the next look when one failed.
func (o *observer) afterError(ctx context.Context, err error) time.Duration {
	wait := o.failures.Next()
	switch overshoot.ActionOf(err) {
	case overshoot.ActionRecreate:
		_ = o.renew(ctx) // if the stream is gone its keeper hears it, and ends the lease and with it our context
	case overshoot.ActionStop, overshoot.ActionPause, overshoot.ActionFix:
		o.close()
		wait = max(wait, rareLook) // nothing changes until a person changes it
	}
	if e, ok := errors.AsType[*overshoot.Error](err); ok {
		wait = max(wait, e.Delay())
	}
	return wait
}

// judge compares what has arrived with what had at the last change.
func (o *observer) judge(state overshoot.StreamState) {
	before, keys := o.progress, o.camera.Counts().Keys
	first := before.at.IsZero()
	if first || state.LastFrameIndex > before.state.LastFrameIndex || state.LastFrameAtMS > before.state.LastFrameAtMS {
		o.progress, o.still = progress{state: state, at: time.Now(), keys: keys}, 0
		if !first {
			o.patience, o.quick = disbelief, 0
			o.open.Store(true)
		}
		return
	}
	if o.open.Swap(false) {
		o.quick = quickLooks
	}
	o.still++
	if o.still >= 2 && time.Since(before.at) >= o.patience && keys-before.keys >= twoKeys {
		o.patience = min(2*o.patience, longestDisbelief)
		o.room.Doubt(o.stay, errBlind)
	}
}

// pause is how long to wait before the next look.
func (o *observer) pause() time.Duration {
	switch {
	case o.quick > 0:
		o.quick--
		return quickLook
	case o.asked.Swap(false) || !o.open.Load():
		return steadyLook - steadyLook/10 + rand.N(steadyLook/5) // cameras that began together do not stay in step
	default:
		return rareLook
	}
}
