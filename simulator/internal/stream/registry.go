package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/window"
)

// ErrFull says that a key holds as many streams as it may.
var ErrFull = errors.New("the key holds as many streams as it may")

// closeTimeout bounds the closing of a room: the media server may be stopped at that moment by a test.
const closeTimeout = 2 * time.Second

// A Registry holds all streams. It is safe for concurrent use.
type Registry struct {
	media    Media
	switches *switches.Set
	log      *zap.Logger
	running  context.Context // ends when the registry is closed
	stop     context.CancelFunc

	mu      sync.Mutex // guards everything below and every stream's state
	streams map[string]*Stream
	most    map[string]int // by key name: the most streams it ever held at a time
	closing sync.WaitGroup // rooms being closed
}

// NewRegistry returns an empty registry.
func NewRegistry(media Media, set *switches.Set, log *zap.Logger) *Registry {
	running, stop := context.WithCancel(context.Background())
	return &Registry{
		media: media, switches: set, log: log, running: running, stop: stop,
		streams: map[string]*Stream{}, most: map[string]int{},
	}
}

// Create makes a stream for a key. A key that holds as many as it may gets ErrFull; any other error is the media server's.
func (r *Registry) Create(key account.Key, region, source string) (*Stream, error) {
	s, err := r.register(key, region, source)
	if err != nil || source != SourceLiveKit {
		return s, err
	}
	session, err := r.media.Open(s.ID, Events{OnFrame: s.onFrame, OnPublisher: s.onPublisher})
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		s.endLocked(r.systemReason())
		delete(r.streams, s.ID)
		return nil, fmt.Errorf("opening room %s: %w", s.ID, err)
	}
	if !s.ended.IsZero() { // the lease ran out while the room opened
		r.closing.Go(func() { r.closeRoom(s.ID, session) })
		return s, nil
	}
	s.session = session
	return s, nil
}

// register takes the slot before the room is opened, so that two creates at a time cannot both take the last one.
func (r *Registry) register(key account.Key, region, source string) (*Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit := key.MaxStreams
	if limit == 0 {
		limit = r.switches.Int(switches.MaxStreamsPerKey)
	}
	held := r.heldLocked(key.Name)
	if limit > 0 && held >= limit {
		return nil, ErrFull
	}
	now := time.Now()
	s := &Stream{
		ID: uuid.NewString(), Key: key.Name, User: key.User, Region: region, Source: source, registry: r,
		created: now, window: window.New(r.switches.Seconds(switches.RetentionSeconds)),
	}
	s.lease = time.AfterFunc(r.switches.Seconds(switches.TTLSeconds), s.expireIfDue)
	s.renewLocked(now)
	r.streams[s.ID] = s
	r.most[key.Name] = max(r.most[key.Name], held+1)
	return s, nil
}

func (r *Registry) heldLocked(key string) int {
	held := 0
	for _, s := range r.streams {
		if s.Key == key && s.ended.IsZero() {
			held++
		}
	}
	return held
}

// Find returns a stream that is active or not yet forgotten.
func (r *Registry) Find(id string) (*Stream, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, found := r.streams[id]
	return s, found
}

// All returns snapshots of all streams that are not yet forgotten, the oldest first.
func (r *Registry) All() []Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	all := make([]Snapshot, 0, len(r.streams))
	for _, s := range r.streams {
		all = append(all, s.snapshotLocked(now))
	}
	slices.SortFunc(all, func(a, b Snapshot) int { return a.Created.Compare(b.Created) })
	return all
}

// MostSeen returns the most streams a key ever held at a time.
func (r *Registry) MostSeen(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most[key]
}

// bury closes the room of a stream that just ended and forgets it after the tombstone's time. The mutex is held.
func (r *Registry) bury(s *Stream) {
	r.log.Info("stream ended", zap.String("stream", s.ID), zap.String("key", s.Key), zap.String("reason", s.endReason))
	if session := s.session; session != nil {
		s.session = nil
		r.closing.Go(func() { r.closeRoom(s.ID, session) })
	}
	tombstone := r.switches.Seconds(switches.TombstoneSeconds)
	if tombstone == 0 {
		delete(r.streams, s.ID)
		return
	}
	time.AfterFunc(tombstone, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.streams, s.ID)
	})
}

// closeRoom leaves a room and deletes it. When the registry is closed rooms are only left: the media server is about to go.
func (r *Registry) closeRoom(room string, session Session) {
	session.Close()
	r.media.VoidTokens(room)
	ctx, cancel := context.WithTimeout(r.running, closeTimeout)
	defer cancel()
	if err := r.media.DeleteRoom(ctx, room); err != nil && r.running.Err() == nil {
		r.log.Warn("deleting a room failed", zap.String("stream", room), zap.Error(err))
	}
}

// Close ends all streams and waits until the rooms are left.
func (r *Registry) Close() {
	r.stop()
	r.mu.Lock()
	for _, s := range r.streams {
		s.endLocked(r.systemReason())
	}
	r.mu.Unlock()
	r.closing.Wait()
}

// systemReason is the word for an end that the owner did not ask for.
func (r *Registry) systemReason() string {
	switch r.switches.Text(switches.EndReason) {
	case "reaped":
		return "reaped"
	case "unknown-word":
		return "recycled"
	default:
		return ReasonExpired
	}
}

func (r *Registry) rules() window.Rules {
	return window.Rules{
		ClampOld:        r.switches.Is(switches.OldIndex, "clamp"),
		NegativeFromNow: r.switches.Is(switches.NegativeOffsetOrigin, "now"),
		EndZeroIsEdge:   r.switches.Is(switches.EndOffsetZero, "live-edge"),
	}
}
