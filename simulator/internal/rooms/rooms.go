// Package rooms gives the streams their rooms on a real LiveKit server: pictures by the media gateway, and tokens that can be
// made void, for which all publishers and viewers come in by a door (see Door).
package rooms

import (
	"context"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/media"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/window"
)

// publisherIdentity is the same in every publish token of a room, so that of two publishers the earlier one is removed.
const publisherIdentity = "publisher"

// Rooms implements stream.Media.
type Rooms struct {
	Gateway *media.Gateway
	Door    *Door
	DoorURL string // ws:// address of the Door
}

var _ stream.Media = (*Rooms)(nil)

// Open begins to watch a room; it does not wait until the room is there.
func (r *Rooms) Open(room string, events stream.Events) (stream.Session, error) {
	opened, err := r.Gateway.Open(room, media.Events{
		OnPublisher: events.OnPublisher,
		OnFrame: func(f media.Frame) {
			if !f.Decoded {
				f.Reading = picture.Reading{Counter: -1, Camera: -1}
			}
			events.OnFrame(window.Arrival{At: f.At, Bytes: f.Bytes, Key: f.Key, Decoded: f.Decoded, Reading: f.Reading})
		},
	})
	if err != nil {
		return nil, err
	}
	return session{opened}, nil
}

// URL is where publishers and viewers join.
func (r *Rooms) URL() string { return r.DoorURL }

// PublishToken returns a token for the one publisher of a room.
func (r *Rooms) PublishToken(room string, ttl time.Duration) (string, error) {
	token, err := r.Gateway.PublishToken(room, publisherIdentity, ttl)
	if err == nil {
		r.Door.Register(token, room, true, ttl)
	}
	return token, err
}

// ViewerToken returns a token that may watch a room.
func (r *Rooms) ViewerToken(room string, ttl time.Duration) (string, error) {
	token, err := r.Gateway.ViewerToken(room, ttl)
	if err == nil {
		r.Door.Register(token, room, false, ttl)
	}
	return token, err
}

// VoidTokens makes the publish tokens of a room useless for joining.
func (r *Rooms) VoidTokens(room string) { r.Door.Void(room) }

// RemovePublisher throws the publisher out of its room.
func (r *Rooms) RemovePublisher(ctx context.Context, room string) error {
	return r.Gateway.RemovePublisher(ctx, room)
}

// DeleteRoom deletes a room and throws everybody out.
func (r *Rooms) DeleteRoom(ctx context.Context, room string) error {
	return r.Gateway.DeleteRoom(ctx, room)
}

// session makes a media.Room a stream.Session.
type session struct{ *media.Room }

func (s session) Stats() stream.MediaStats {
	stats := s.Room.Stats()
	return stream.MediaStats{
		Joins: stats.Joins, LostPackets: stats.LostPackets, SkippedPictures: stats.SkippedPictures,
		DecodeErrors: stats.DecodeErrors, UnreadCounters: stats.UnreadCounters,
	}
}
