// Package streamtest is media without a media server: frames are put in by hand. It lets tests of leases, windows and the API run
// without LiveKit, and in a bubble of fake time.
package streamtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/window"
)

// Media implements stream.Media. The zero Media is ready for use.
type Media struct {
	mu      sync.Mutex
	open    map[string]stream.Events
	voided  map[string]int
	removed map[string]int
	deleted map[string]int
	tokens  int
	down    bool
}

// errDown is what everything answers while the media is down.
var errDown = errors.New("media server is down")

// SetDown makes everything fail that needs a media server.
func (m *Media) SetDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// Open remembers the room.
func (m *Media) Open(room string, events stream.Events) (stream.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errDown
	}
	if m.open == nil {
		m.open = map[string]stream.Events{}
	}
	m.open[room] = events
	return session{m, room}, nil
}

type session struct {
	media *Media
	room  string
}

func (s session) Close() {
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	delete(s.media.open, s.room)
}

func (s session) Stats() stream.MediaStats { return stream.MediaStats{Joins: 1} }

// Push lets a frame with this counter and camera number arrive now. It panics where the room is not open.
func (m *Media) Push(room string, counter, camera int) {
	m.events(room).OnFrame(window.Arrival{
		At: time.Now(), Decoded: true, Bytes: 1000,
		Reading: picture.Reading{Counter: counter, Camera: camera, Brightness: 100, Color: "blue", Motion: 2, Width: 1280, Height: 720},
	})
}

// Publisher lets a publisher come or go.
func (m *Media) Publisher(room string, present bool) { m.events(room).OnPublisher(present) }

func (m *Media) events(room string) stream.Events {
	m.mu.Lock()
	defer m.mu.Unlock()
	events, open := m.open[room]
	if !open {
		panic("room " + room + " is not open")
	}
	return events
}

// Opened tells whether a room is open.
func (m *Media) Opened(room string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, open := m.open[room]
	return open
}

// URL is an address at which nothing listens.
func (m *Media) URL() string { return "ws://media.example.test" }

// PublishToken returns a token that differs from all before.
func (m *Media) PublishToken(room string, _ time.Duration) (string, error) {
	return m.token("publish", room)
}

// ViewerToken returns a token that differs from all before.
func (m *Media) ViewerToken(room string, _ time.Duration) (string, error) {
	return m.token("view", room)
}

func (m *Media) token(kind, room string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return "", errDown
	}
	m.tokens++
	return fmt.Sprintf("%s-%s-%d", kind, room, m.tokens), nil
}

// VoidTokens counts.
func (m *Media) VoidTokens(room string) { m.count(&m.voided, room) }

// RemovePublisher counts.
func (m *Media) RemovePublisher(_ context.Context, room string) error {
	m.count(&m.removed, room)
	return nil
}

// DeleteRoom counts.
func (m *Media) DeleteRoom(_ context.Context, room string) error {
	m.count(&m.deleted, room)
	return nil
}

func (m *Media) count(what *map[string]int, room string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if *what == nil {
		*what = map[string]int{}
	}
	(*what)[room]++
}

// Voided counts VoidTokens.
func (m *Media) Voided(room string) int { return m.counted(&m.voided, room) }

// Removed counts RemovePublisher.
func (m *Media) Removed(room string) int { return m.counted(&m.removed, room) }

// Deleted counts DeleteRoom.
func (m *Media) Deleted(room string) int { return m.counted(&m.deleted, room) }

func (m *Media) counted(what *map[string]int, room string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return (*what)[room]
}
