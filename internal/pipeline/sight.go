package pipeline

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

// sight tells whether fresh pictures reach the service, so that no question is paid for that would be answered from an old one.
type sight struct{ open atomic.Bool }

func (s *sight) clear() bool { return s.open.Load() }
func (s *sight) close()      { s.open.Store(false) }

// fresh is the age of the newest picture up to which it is worth a question.
const fresh = time.Second

// watch opens the sight while the camera delivers, the publisher is in the room, and the service has seen pictures of this very stay.
func (s *sight) watch(ctx context.Context, client *overshoot.Client, l *lease.Lease, publisher *publish.Loop, h *hub.Hub) {
	defer s.close()
	var confirmed uint64 // the stay in which pictures were seen to arrive
	for retry.Sleep(ctx, look) {
		stay := publisher.Stay()
		if stay == 0 || h.PictureAge() > fresh {
			s.close()
			confirmed = 0 // a camera that comes back has to show it: its pictures are held up until its first key frame
			continue
		}
		if stay != confirmed {
			s.close()
			if !arriving(ctx, client, l) {
				continue
			}
			confirmed = stay
		}
		s.open.Store(true)
	}
}

// arriving asks the service until its newest picture is a newer one, or for a few seconds. What it says counts, not that we are connected:
// only a picture that arrived can be asked about.
func arriving(ctx context.Context, client *overshoot.Client, l *lease.Lease) bool {
	const interval, tries = 250 * time.Millisecond, 20
	before, known := int64(0), false
	for range tries {
		if state, err := client.Get(ctx, l.ID, l.Region()); err == nil {
			if known && state.LastFrameIndex > before {
				return true
			}
			before, known = state.LastFrameIndex, true // -1 while it has none
		}
		if !retry.Sleep(ctx, interval) {
			return false
		}
	}
	return false
}
