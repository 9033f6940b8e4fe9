package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/window"
)

type streamReply struct {
	ID             string      `json:"id"`
	State          string      `json:"state"`
	Source         sourceReply `json:"source"`
	LastPull       *int64      `json:"last_pull"` // always null: nothing is ever pulled here
	StreamTime     any         `json:"stream_time_ms,omitempty"`
	FirstFrameAt   *int64      `json:"first_frame_at_ms"`
	LastFrameAt    *int64      `json:"last_frame_at_ms"`
	LastFrameIndex *int64      `json:"last_frame_index"`
	OldestAt       *int64      `json:"first_available_frame_at_ms"`
	OldestIndex    *int64      `json:"first_available_frame_index"`
	CreatedAt      int64       `json:"created_at_ms"`
	RecentFPS      float64     `json:"recent_fps"`
	Retained       int         `json:"retained_frame_count"`
	Evicted        int64       `json:"evicted_frame_count"`
	ExpiresAt      *int64      `json:"expires_at_ms"`
	TTL            *int        `json:"ttl_seconds"`
	EndedAt        *int64      `json:"ended_at_ms"`
	EndReason      *string     `json:"end_reason"`
	Audio          bool        `json:"audio"`
}

// getStream answers GET /streams/{id}.
func (c *call) getStream() {
	s, ok := c.own()
	if !ok {
		return
	}
	now := s.Snapshot()
	reply := streamReply{
		ID: now.ID, State: "active", Source: sourceReply{now.Source}, StreamTime: c.streamTime(now.Frames),
		CreatedAt: c.millis(now.Created), RecentFPS: now.Frames.RecentFPS,
		Retained: now.Frames.Retained, Evicted: now.Frames.Evicted,
	}
	if frames := now.Frames; frames.Any {
		reply.FirstFrameAt, reply.LastFrameAt = c.moment(frames.FirstAt), c.moment(frames.LastAt)
		reply.LastFrameIndex = &frames.LastIndex
		if frames.Retained > 0 {
			reply.OldestAt, reply.OldestIndex = c.moment(frames.OldestAt), &frames.OldestIndex
		}
	}
	if now.Ended {
		reply.State, reply.EndedAt, reply.EndReason = "ended", c.moment(now.EndedAt), &now.EndReason
	} else {
		ttl := int(now.TTL.Seconds())
		reply.ExpiresAt, reply.TTL = c.moment(now.Deadline), &ttl
	}
	c.reply(http.StatusOK, reply)
}

func (c *call) moment(t time.Time) *int64 {
	ms := c.millis(t)
	return &ms
}

// streamTime is the place of the newest frame on the stream clock, in ms. Before the first frame the sources disagree: it
// is 0, null or (a nil any) missing.
func (c *call) streamTime(frames window.Summary) any {
	if frames.Any {
		return float64(frames.LastClock.Microseconds()) / 1000
	}
	switch c.Switches.Text(switches.TimeBeforeFirstFrame) {
	case "null":
		return json.RawMessage("null")
	case "missing":
		return nil
	default:
		return 0.0
	}
}
