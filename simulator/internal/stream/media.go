package stream

import (
	"context"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/window"
)

// Media is where streams get their pictures from: rooms with one publisher each, named after the stream. Implementations
// are safe for concurrent use.
type Media interface {
	// Open creates a room and watches it until the Session is closed. Events are called from one goroutine at a time.
	Open(room string, events Events) (Session, error)
	// URL is where publishers and viewers join.
	URL() string
	PublishToken(room string, ttl time.Duration) (string, error)
	ViewerToken(room string, ttl time.Duration) (string, error)
	// VoidTokens makes the room's publish tokens given out so far useless for joining.
	VoidTokens(room string)
	RemovePublisher(ctx context.Context, room string) error
	DeleteRoom(ctx context.Context, room string) error
}

// Events is what a room tells.
type Events struct {
	OnFrame     func(window.Arrival)
	OnPublisher func(present bool) // a publisher came or left
}

// A Session is an open room.
type Session interface {
	// Close stops watching; no event is called after it returned. It must not be called from an event.
	Close()
	Stats() MediaStats
}

// MediaStats count what happened to the pictures on their way, since the room was opened.
type MediaStats struct {
	Joins           int `json:"joins"`        // times the room was joined
	LostPackets     int `json:"lost_packets"` // RTP packets that never came
	SkippedPictures int `json:"skipped_pictures"`
	DecodeErrors    int `json:"decode_errors"`
	UnreadCounters  int `json:"unread_counters"` // decoded pictures without a legible counter
}
