package slot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
)

// A Pool shares out the slots of all keys. Its methods may be called from any goroutine; only Acquire and Run block.
type Pool struct {
	log     *zap.Logger
	board   *status.Board
	metrics *Metrics
	wake    chan struct{} // tells Run that something is to be done earlier than it knew

	mu       sync.Mutex
	accounts []*account // in the order of the configuration, removed ones last
	dwell    time.Duration
	seats    map[string]*seat     // by camera
	waiting  map[string]*waiter   // by camera
	places   map[string]time.Time // since when a camera waits that came back because its key was refused
	wakes    time.Time            // when Run looks next, zero if it waits to be woken
	news     []func()             // to be told when the lock is free

	telling sync.Mutex // held while news are told, so that they arrive in order; never taken with mu held
}

// A seat is a slot with a camera in it.
type seat struct {
	camera   string
	priority int
	account  *account
	since    time.Time
	fresh    bool          // its camera had waited for it; not one taken over with a stream that may be in it
	waited   time.Time     // since when it had
	dark     time.Time     // since when it has delivered nothing, zero while it delivers
	recalled chan struct{} // closed with reason set
	reason   error
	holder   *Slot // nil while nobody has acquired it
}

type waiter struct {
	Claim
	since    time.Time
	rank, of int // as told last
	slot     chan *Slot
}

// NewPool returns a pool without keys: everybody waits.
func NewPool(log *zap.Logger, board *status.Board, metrics *Metrics) *Pool {
	return &Pool{
		log: log, board: board, metrics: metrics, wake: make(chan struct{}, 1),
		seats: map[string]*seat{}, waiting: map[string]*waiter{}, places: map[string]time.Time{},
	}
}

// Configure says which keys there are and how long a camera's turn lasts where cameras outnumber slots; with dwell 0 cameras keep their
// slots. What is known of a key of the same name stays. Slots that are no longer there are recalled.
func (p *Pool) Configure(keys []Key, dwell time.Duration) {
	p.change(func(now time.Time) {
		p.dwell = dwell
		old := p.accounts
		p.accounts = nil
		for _, k := range keys {
			p.accounts = append(p.accounts, p.configure(k, old, now))
		}
		for _, a := range old {
			if !slices.Contains(p.accounts, a) {
				p.remove(a)
			}
		}
	})
}

// configure returns the account of a key, a new one if there is none yet.
func (p *Pool) configure(k Key, old []*account, now time.Time) *account {
	for _, a := range old {
		if a.Name == k.Name {
			a.Key, a.health.look = k, now
			if a.health.contented(k.Slots) {
				p.tellWell(a)
			}
			if a.removed {
				a.removed = false
				p.tell(func() { a.part = p.board.Add(a.unit(), Kind) })
			}
			return a
		}
	}
	a := &account{Key: k, blocks: map[*block]struct{}{}}
	p.tell(func() { a.part = p.board.Add(a.unit(), Kind) })
	return a
}

func (p *Pool) remove(a *account) {
	p.accounts = append(p.accounts, a)
	if !a.removed {
		a.removed, a.health = true, health{}
		p.tell(func() { p.board.Remove(a.unit()) })
	}
}

// fingerprint is that of the key's text now. It may read a file.
func (p *Pool) fingerprint(key string) string {
	p.mu.Lock()
	var read func() string
	if a := p.account(key); a != nil {
		read = a.Fingerprint
	}
	p.mu.Unlock()
	if read == nil {
		return ""
	}
	return read()
}

// Acquire waits until the camera may stream, or ctx ends; the error is then that of ctx. A camera that has a seat already, from Reserve
// or because whoever had it was replaced without releasing it, gets that one at once, perhaps to find it recalled.
// Of two calls for one camera the later takes the place of the earlier, which returns an error.
func (p *Pool) Acquire(ctx context.Context, c Claim) (*Slot, error) {
	w := &waiter{Claim: c, slot: make(chan *Slot, 1)}
	var seated *Slot
	p.change(func(now time.Time) { seated = p.join(w, now) })
	if seated != nil {
		return seated, nil
	}
	select {
	case s, ok := <-w.slot:
		if !ok {
			return nil, errors.New("slot: the camera acquires a second time")
		}
		return s, nil
	case <-ctx.Done():
		p.change(func(now time.Time) { p.quit(w, now) })
		return nil, ctx.Err()
	}
}

// Reserve takes the seat of a stream that the last run left behind, even above what the key allows: then somebody is recalled. The
// camera gets it when it acquires; it should do so at once, as nobody else can end that stream in an orderly way, and an unclaimed seat
// counts as dark. It reports false, and does nothing, if there is no such key or the camera has a seat or waits for one.
func (p *Pool) Reserve(camera string, priority int, key string) (reserved bool) {
	p.change(func(now time.Time) {
		if a := p.account(key); a != nil && !a.removed && p.seats[camera] == nil && p.waiting[camera] == nil {
			s := p.sit(a, camera, priority, now)
			s.dark, reserved = now, true
		}
	})
	return reserved
}

// Block takes a slot of the key for a stream that nobody holds, until d has passed or free is called.
func (p *Pool) Block(key string, d time.Duration) (free func()) {
	return p.Abandon("", key, d)
}

// Abandon is Block for a stream of this camera. If the camera still has its seat there, that seat becomes the block, in one step: doing
// one after the other would count the stream twice, and recall an innocent, or not at all, and let one too many in.
func (p *Pool) Abandon(camera, key string, d time.Duration) (free func()) {
	b := &block{}
	p.change(func(now time.Time) {
		a := p.account(key)
		if a == nil {
			return
		}
		b.until = now.Add(d)
		a.blocks[b] = struct{}{}
		if s := p.seats[camera]; s != nil && s.account == a {
			p.leave(s, now)
		}
	})
	return func() { p.change(func(now time.Time) { b.until = now }) }
}

// Forget takes back the seat of a camera that is not configured any more, if it still has one, and all that is known of it. The camera
// must not be waiting.
func (p *Pool) Forget(camera string) {
	p.change(func(now time.Time) {
		if s := p.seats[camera]; s != nil {
			p.leave(s, now)
		}
		delete(p.places, camera)
		p.metrics.rank.DeleteLabelValues(camera)
	})
}

// Refused tells that a create on the key failed. If that is on account of the key, it offers nothing new until a probe works; otherwise it
// only comes after other keys. Call it before the slot is released, or the next camera tries the same in vain.
func (p *Pool) Refused(key string, err error) {
	state, fingerprint := trouble(err), p.fingerprint(key)
	p.change(func(now time.Time) {
		a := p.account(key)
		if a == nil || a.removed {
			return
		}
		if state == "" {
			a.health.lastFailed = now
			return
		}
		if a.health.well() {
			a.health.fingerprint = fingerprint
		}
		a.health.look = now.Add(look)
		a.health.refuse(state, err, max(0, a.taken-1)+len(a.blocks), now)
		p.tell(func() { a.part.Set(state, err) })
	})
}

// Accepted tells that a create on the key worked.
func (p *Pool) Accepted(key string) {
	p.change(func(now time.Time) {
		if a := p.account(key); a != nil && a.health.accept(now) && !a.removed {
			p.tellWell(a)
		}
	})
}

func (p *Pool) tellWell(a *account) {
	p.tell(func() {
		a.part.Set(stateOK, nil)
		a.part.Well()
	})
}

// Pulse returns as soon as the pool's lock is free, to show that it is not stuck.
func (p *Pool) Pulse() {
	p.mu.Lock()
	defer p.mu.Unlock()
}
