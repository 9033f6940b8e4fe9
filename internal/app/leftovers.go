package app

import (
	"context"
	"slices"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
)

// settle finds a use for what the last process left in the journal: the newest stream of each camera that is still there keeps its slot
// until the camera comes for it; the others are deleted. A create that was cut off may have left a stream whose id nobody knows, which
// takes a slot until its lease is over.
func (a *agent) settle(p *Plan) {
	for _, e := range slices.Backward(a.journal.Entries()) {
		s, wanted := p.scene(e.Camera)
		if e.ID != "" && wanted && a.pool.Reserve(e.Camera, s.camera.Priority, e.Key) {
			continue
		}
		key, api := a.owner(e)
		free := a.pool.Block(key, a.journal.Remaining(e))
		if e.ID != "" {
			a.janitor.Release(a.life, api, e, free)
		}
	}
}

// abandon hands a stream to the janitor that the camera which had it does not want any more. Its slot is free when it is gone.
func (a *agent) abandon(e lease.Entry) {
	key, api := a.owner(e)
	free := a.pool.Abandon(e.Camera, key, a.journal.Remaining(e))
	a.janitor.Release(a.life, api, e, free)
}

// owner returns the key that a stream belongs to, and what it can be deleted with, nil when the key is not there any more.
func (a *agent) owner(e lease.Entry) (key string, api lease.API) {
	key, client := a.keys.holder(e.Key, e.Fingerprint)
	if client == nil {
		return key, nil // and not a nil client
	}
	return key, client
}

// rest is how long the streams may take in the end that no camera has released.
const rest = time.Second

// releaseRest deletes what is left when all cameras have ended: the streams of those that were down after a panic.
func (a *agent) releaseRest() {
	ctx, cancel := context.WithTimeout(a.life, rest)
	defer cancel()
	last := lease.Janitor{Journal: a.journal, Metrics: a.janitor.Metrics, Log: a.Log}
	for _, e := range a.journal.Entries() {
		if left, ok := a.journal.Adoptable(e.Camera); ok {
			_, api := a.owner(left)
			last.Release(ctx, api, left, nil)
		}
	}
	last.Wait()
}
