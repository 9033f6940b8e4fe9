// Package stream keeps the leased streams: who owns them, how long they live, the frames that arrived, and what can still be
// said of them after they ended.
//
// A stream is active from its creation until its lease runs out, its owner deletes it or the system ends it. Then its frames
// are dropped and its room is closed; its last counters stay readable for a while as a tombstone. Leases count on the
// monotonic clock.
package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/ovs"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/window"
)

// The kinds of source.
const (
	SourceLiveKit = "livekit" // a publisher in the stream's room
	SourceRTSP    = "rtsp"
	SourceHLS     = "hls"
)

// Reasons of an end, as documented.
const (
	ReasonExpired = "expired" // every end that the system brought about
	ReasonDeleted = "deleted"
)

// A Stream is one leased stream. All its state is guarded by the registry's mutex.
type Stream struct {
	ID     string // lower-case UUID; also the name of its room
	Key    string // name of the API key that created it
	User   string // owner
	Region string
	Source string

	registry *Registry
	session  Session // nil where the source is pulled

	created   time.Time
	ttl       time.Duration // of the last renewal
	deadline  time.Time
	lease     *time.Timer
	window    *window.Window
	publisher bool // whether one is in the room
	lost      int  // pictures missing between the counters of neighbouring frames

	ended     time.Time // zero: active
	endReason string
	last      window.Summary // frozen at the end
}

// A Snapshot is what is known of a stream at one moment.
type Snapshot struct {
	ID, Key, User, Region, Source string

	Created   time.Time
	TTL       time.Duration
	Deadline  time.Time
	Publisher bool
	Lost      int // pictures the counters say are missing between first and newest frame
	Frames    window.Summary
	Media     MediaStats // of an active stream in a room

	Ended     bool
	EndedAt   time.Time
	EndReason string
}

// Snapshot describes the stream now.
func (s *Stream) Snapshot() Snapshot {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.snapshotLocked(time.Now())
}

func (s *Stream) snapshotLocked(now time.Time) Snapshot {
	snapshot := Snapshot{
		ID: s.ID, Key: s.Key, User: s.User, Region: s.Region, Source: s.Source,
		Created: s.created, TTL: s.ttl, Deadline: s.deadline, Publisher: s.publisher, Lost: s.lost,
		Ended: !s.ended.IsZero(), EndedAt: s.ended, EndReason: s.endReason, Frames: s.last,
	}
	if !snapshot.Ended {
		snapshot.Frames = s.window.Summary(now)
		if s.session != nil {
			snapshot.Media = s.session.Stats()
		}
	}
	return snapshot
}

// Renew starts the lease anew, for the ttl the switches say. It returns false where the stream has ended.
func (s *Stream) Renew() (Snapshot, bool) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	if !s.ended.IsZero() {
		return Snapshot{}, false
	}
	now := time.Now()
	s.renewLocked(now)
	return s.snapshotLocked(now), true
}

func (s *Stream) renewLocked(now time.Time) {
	s.ttl = s.registry.switches.Seconds(switches.TTLSeconds)
	s.deadline = now.Add(s.ttl)
	s.lease.Reset(s.ttl)
}

// expireIfDue is called by the lease timer. A renewal may have come between the timer and the lock.
func (s *Stream) expireIfDue() {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	if s.ended.IsZero() && !time.Now().Before(s.deadline) {
		s.endLocked(s.registry.systemReason())
	}
}

// End ends the stream for a reason; it returns false where it had ended before.
func (s *Stream) End(reason string) bool {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.endLocked(reason)
}

// Expire ends the stream as if its lease had run out now.
func (s *Stream) Expire() bool {
	return s.End(s.registry.systemReason())
}

func (s *Stream) endLocked(reason string) bool {
	if !s.ended.IsZero() {
		return false
	}
	now := time.Now()
	s.lease.Stop()
	s.last = s.window.Summary(now)
	s.window = nil
	s.ended, s.endReason, s.publisher = now, reason, false
	s.registry.bury(s)
	return true
}

// Image resolves an image reference; ok is false where the stream has ended.
func (s *Stream) Image(ref ovs.Image) (frame window.Frame, ok bool, err error) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	if !s.ended.IsZero() {
		return window.Frame{}, false, nil
	}
	s.activityLocked()
	frame, err = s.window.Image(ref, time.Now(), s.registry.rules())
	return frame, true, err
}

// Segment resolves a segment reference; ok is false where the stream has ended.
func (s *Stream) Segment(ref ovs.Segment) (frames []window.Frame, ok bool, err error) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	if !s.ended.IsZero() {
		return nil, false, nil
	}
	s.activityLocked()
	frames, err = s.window.Segment(ref, time.Now(), s.registry.rules())
	return frames, true, err
}

// FramesAfter returns the retained frames that arrived after the one with an index; none where the stream has ended.
func (s *Stream) FramesAfter(index int64) []window.Frame {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	if !s.ended.IsZero() {
		return nil
	}
	return s.window.After(index)
}

// Grant returns where and with which token a publisher joins the stream's room from now on.
func (s *Stream) Grant(ttl time.Duration) (url, token string, err error) {
	media := s.registry.media
	token, err = media.PublishToken(s.ID, ttl)
	if err != nil {
		return "", "", fmt.Errorf("stream %s: making a publish token: %w", s.ID, err)
	}
	return media.URL(), token, nil
}

// View returns where and with which token a viewer joins the stream's room.
func (s *Stream) View(ttl time.Duration) (url, token string, err error) {
	media := s.registry.media
	token, err = media.ViewerToken(s.ID, ttl)
	if err != nil {
		return "", "", fmt.Errorf("stream %s: making a viewer token: %w", s.ID, err)
	}
	return media.URL(), token, nil
}

// VoidTokens makes the publish tokens given out so far useless for joining; a publisher in the room stays.
func (s *Stream) VoidTokens() { s.registry.media.VoidTokens(s.ID) }

// RemovePublisher throws the publisher out of the room.
func (s *Stream) RemovePublisher(ctx context.Context) error {
	return s.registry.media.RemovePublisher(ctx, s.ID)
}

// DeleteRoom deletes the room under the stream.
func (s *Stream) DeleteRoom(ctx context.Context) error {
	return s.registry.media.DeleteRoom(ctx, s.ID)
}

func (s *Stream) onFrame(arrival window.Arrival) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	if !s.ended.IsZero() {
		return
	}
	before := s.window.Summary(arrival.At)
	if before.Any {
		s.lost += missing(before.Newest.Reading, arrival.Reading)
	}
	s.window.Add(arrival)
	s.activityLocked()
}

func (s *Stream) onPublisher(present bool) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	left := s.publisher && !present
	s.publisher = present
	if left && s.registry.switches.Is(switches.PublisherLeave, "ends-stream") {
		s.endLocked(s.registry.systemReason())
	}
}

// activityLocked renews the lease where the switches say that anything but keepalive does.
func (s *Stream) activityLocked() {
	if s.registry.switches.On(switches.ActivityRenewsLease) {
		s.renewLocked(time.Now())
	}
}

// missing returns how many pictures are missing between two neighbours by their counters. More than half a period is
// taken for a step back (pictures sent again), which loses nothing.
func missing(before, after picture.Reading) int {
	if before.Counter < 0 || after.Counter < 0 || before.Camera != after.Camera {
		return 0
	}
	gap := (after.Counter - before.Counter - 1 + picture.CounterPeriod) % picture.CounterPeriod
	if gap > picture.CounterPeriod/2 {
		return 0
	}
	return gap
}
