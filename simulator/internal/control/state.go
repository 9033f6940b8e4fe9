package control

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
)

// probeTimeout is how long the media server may take to prove that it runs.
const probeTimeout = 500 * time.Millisecond

// stateReply is all that is going on.
type stateReply struct {
	Streams        []streamState     `json:"streams"`
	Cameras        []Camera          `json:"cameras"`
	LiveKit        liveKitState      `json:"livekit"`
	Switches       map[string]string `json:"switches"`
	MaxStreamsSeen map[string]int    `json:"max_streams_seen"` // by key: the most it ever held at a time
	Calls          int64             `json:"calls"`
}

type liveKitState struct {
	PID     int    `json:"pid"`
	URL     string `json:"url"` // where publishers join
	Running bool   `json:"running"`
}

// streamState is one stream that is active or not yet forgotten.
type streamState struct {
	ID           string            `json:"id"`
	Key          string            `json:"key"`
	Region       string            `json:"region"`
	State        string            `json:"state"` // active or ended
	CreatedAt    time.Time         `json:"created_at"`
	ExpiresInMS  int64             `json:"expires_in_ms"` // 0 where it has ended
	Publisher    bool              `json:"publisher"`     // whether one is in the room
	Frames       int64             `json:"frames"`        // that ever arrived
	FPS          float64           `json:"fps"`
	LostPictures int               `json:"lost_pictures"` // by the counters burned in
	Counter      int               `json:"counter"`       // of the newest frame; -1: none
	Camera       string            `json:"camera"`        // whose pictures arrive
	LastFrameAt  *time.Time        `json:"last_frame_at"`
	Media        stream.MediaStats `json:"media"`
	EndReason    string            `json:"end_reason,omitempty"`
}

func (s *Server) state(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	reply := stateReply{
		Streams: []streamState{}, Cameras: s.Cameras.All(), Switches: s.Switches.Values(), MaxStreamsSeen: map[string]int{},
		LiveKit: liveKitState{PID: s.LiveKit.PID(), URL: s.LiveKit.URL(), Running: s.LiveKit.Running(ctx)}, Calls: s.Calls.Total(),
	}
	for _, name := range s.Keys.Names() {
		reply.MaxStreamsSeen[name] = s.Streams.MostSeen(name)
	}
	for _, snapshot := range s.Streams.All() {
		reply.Streams = append(reply.Streams, s.describe(snapshot))
	}
	return reply, nil
}

func (s *Server) describe(snapshot stream.Snapshot) streamState {
	state := streamState{
		ID: snapshot.ID, Key: snapshot.Key, Region: snapshot.Region, State: "active", CreatedAt: snapshot.Created,
		Publisher: snapshot.Publisher, FPS: snapshot.Frames.RecentFPS, LostPictures: snapshot.Lost, Counter: -1,
		Media: snapshot.Media, EndReason: snapshot.EndReason,
	}
	if snapshot.Ended {
		state.State = "ended"
	} else {
		state.ExpiresInMS = max(0, time.Until(snapshot.Deadline).Milliseconds())
	}
	if frames := snapshot.Frames; frames.Any {
		state.Frames, state.LastFrameAt = frames.LastIndex+1, &frames.LastAt
		state.Counter = frames.Newest.Reading.Counter
		state.Camera = s.Cameras.Name(frames.Newest.Reading.Camera)
	}
	return state
}

// calls answers with the calls that ended after call number since.
func (s *Server) calls(r *http.Request) (any, error) {
	since, err := sinceOf(r, 0)
	if err != nil {
		return nil, err
	}
	return s.Calls.Since(since), nil
}

// sinceOf reads the number in the query.
func sinceOf(r *http.Request, absent int64) (int64, error) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, badRequest("since is not a number from 0: %q", text)
	}
	return n, nil
}
