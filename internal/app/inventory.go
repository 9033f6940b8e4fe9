package app

import (
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
)

// inventory tells an MQTT sink of the cameras whose results it gets, in the plan that runs when it asks.
type inventory struct {
	sink  string
	plan  func() *Plan
	board *status.Board
	seen  *sightings
}

func (a *agent) inventory(sink string) mqtt.Inventory {
	return &inventory{sink: sink, plan: a.running, board: a.board, seen: &a.seen}
}

// Cameras implements mqtt.Inventory. A camera that is switched off is one that exists.
func (i *inventory) Cameras() (all []mqtt.Camera) {
	units := map[string]map[string]status.View{}
	for _, u := range i.board.Units() {
		units[u.Name] = u.Parts
	}
	c := i.plan().Config
	for _, cam := range c.Cameras {
		watches := i.watches(c, cam)
		if len(watches) == 0 {
			continue
		}
		state := "disabled"
		if cam.Enabled {
			state = stateOf(units[cam.Name], watches)
		}
		all = append(all, mqtt.Camera{
			Name: cam.Name, Live: state == live, State: state, LastSeen: i.seen.last(cam.Name), FPS: i.seen.rate(cam.Name), Watches: watches,
		})
	}
	return all
}

// watches returns those of a camera whose results the sink gets.
func (i *inventory) watches(c *config.Config, cam config.Camera) (all []mqtt.Watch) {
	for _, name := range cam.Watches {
		w, _ := c.Watch(name) // config has checked the names
		for _, to := range w.Sinks {
			if to == i.sink {
				all = append(all, mqtt.Watch{Name: name, Schema: w.Schema.Map})
				break
			}
		}
	}
	return all
}

const (
	live  = "live"
	blind = "blind"
	// blindFor is for how long a watch has to miss pictures before others are told: until a stay in the room has begun anew it is nothing.
	blindFor = 3 * time.Second
)

// stateOf says in one word what keeps pictures of a camera from the service, as the status page does: the state of the first part on their
// way that is not well. live: nothing does.
func stateOf(parts map[string]status.View, watches []mqtt.Watch) string {
	for _, kind := range []status.Kind{camera.Kind, lease.Kind, publish.Kind} {
		view, there := parts[kind.Name]
		switch {
		case !there:
			return kind.States[0]
		case view.State != live && view.State != "active" && view.State != "renewing":
			return view.State
		}
	}
	for _, w := range watches {
		if view := parts[watch.KindOf(w.Name).Name]; view.State == blind && time.Since(view.Since) > blindFor {
			return blind
		}
	}
	return live
}

// sightings know when the newest picture of each camera came, over all lives of its unit. Any goroutine may use them.
type sightings struct {
	mu  sync.Mutex
	all map[string]*sighting
}

// A sighting is of one camera.
type sighting struct {
	feed   *hub.Hub
	before time.Time // the newest one of the feed before; zero for none

	counted  time.Time // when pictures were counted last
	pictures uint64    // there were
	fps      float64   // from the time before until then
}

func (s *sighting) last() time.Time {
	if s == nil {
		return time.Time{}
	}
	if s.feed.Counts().Pictures == 0 {
		return s.before
	}
	return time.Now().Add(-s.feed.PictureAge())
}

// countFor is how long pictures are counted to know how many come in a second.
const countFor = 5 * time.Second

func (s *sighting) rate() float64 {
	if s == nil {
		return 0
	}
	if passed := time.Since(s.counted); passed >= countFor {
		n := s.feed.Counts().Pictures
		s.fps = float64(n-s.pictures) / passed.Seconds()
		s.counted, s.pictures = time.Now(), n
	}
	return s.fps
}

// follow notes where the pictures of a camera come from now.
func (s *sightings) follow(camera string, feed *hub.Hub) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*sighting{}
	}
	s.all[camera] = &sighting{feed: feed, before: s.all[camera].last(), counted: time.Now()}
}

func (s *sightings) forget(camera string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, camera)
}

// last returns when the newest picture came, zero for never. It does not wait for anything.
func (s *sightings) last(camera string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[camera].last()
}

// rate returns how many pictures came in a second, lately.
func (s *sightings) rate(camera string) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[camera].rate()
}
