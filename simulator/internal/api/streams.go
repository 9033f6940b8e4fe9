package api

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

type sourceReply struct {
	Type string `json:"type"`
}

// A roomReply says where and how to join a stream's room.
type roomReply struct {
	Type      string `json:"type"`
	URL       string `json:"url"`
	Token     string `json:"token"`
	ExpiresIn int    `json:"expires_in_seconds,omitempty"`
}

type createReply struct {
	ID        string      `json:"id"`
	State     string      `json:"state"`
	Source    sourceReply `json:"source"`
	Publish   *roomReply  `json:"publish"`
	ExpiresAt int64       `json:"expires_at_ms"`
	TTL       int         `json:"ttl_seconds"`
}

// createStream answers POST /streams. The body may be absent.
func (c *call) createStream() {
	source, err := decodeSource(c.body)
	region, ok := "", false
	switch {
	case err != nil:
		c.fail(http.StatusUnprocessableEntity, err.Error())
		return
	case source != stream.SourceLiveKit && c.Switches.Is(switches.PublicSource, "refused"):
		c.fail(http.StatusUnprocessableEntity, "source url could not be opened")
		return
	case c.key.User == "":
		c.fail(http.StatusForbidden, "the API key has no user")
		return
	case c.refusedExtra():
		return
	}
	if region, ok = c.newRegion(); !ok {
		return
	}
	s, err := c.Streams.Create(c.key, region, source)
	switch {
	case errors.Is(err, stream.ErrFull):
		c.fail(c.Switches.Int(switches.StreamLimitStatus), "concurrent stream limit reached")
		return
	case err != nil:
		c.Log.Error("creating a stream failed", zap.Error(err))
		c.fail(http.StatusServiceUnavailable, "media server unavailable")
		return
	}
	c.stream = s.ID
	c.created(s, region)
}

// created answers with the new stream, after a while where the switch create_extra wants that.
func (c *call) created(s *stream.Stream, region string) {
	publish, ok := c.grant(s)
	if !ok {
		return
	}
	if c.Switches.Is(switches.CreateExtra, "delayed") && !fault.Wait(c.r.Context(), c.Switches.Milliseconds(switches.FaultDelayMS)) {
		return
	}
	snapshot := s.Snapshot()
	c.served(region)
	c.reply(http.StatusCreated, createReply{
		ID: s.ID, State: "active", Source: sourceReply{s.Source}, Publish: publish,
		ExpiresAt: c.millis(snapshot.Deadline), TTL: int(snapshot.TTL.Seconds()),
	})
}

// refusedExtra answers as the switch create_extra says and returns whether it did.
func (c *call) refusedExtra() bool {
	switch c.Switches.Text(switches.CreateExtra) {
	case "402":
		c.fail(http.StatusPaymentRequired, "Insufficient credits")
	case "409":
		c.reply(http.StatusConflict, wrongRegion(c.otherRegion(), c.r.Header.Get(regionHeader)))
	case "503":
		c.fail(http.StatusServiceUnavailable, "Server is draining")
	default:
		return false
	}
	return true
}

// grant returns the publish object: null for pulled sources. ok is false where the call was answered with an error.
func (c *call) grant(s *stream.Stream) (publish *roomReply, ok bool) {
	if s.Source != stream.SourceLiveKit {
		return nil, true
	}
	url, token, err := s.Grant(c.Switches.Seconds(switches.PublishTokenSeconds))
	if err != nil {
		c.Log.Error("granting a publish token failed", zap.Error(err))
		c.fail(http.StatusServiceUnavailable, "media server unavailable")
		return nil, false
	}
	return &roomReply{Type: "livekit", URL: url, Token: token}, true
}

// own returns the caller's stream of the path; where there is none in reach the call is answered.
func (c *call) own() (*stream.Stream, bool) {
	s, found := c.Streams.Find(c.stream)
	if !found || s.User != c.key.User {
		c.fail(http.StatusNotFound, "Stream not found")
		return nil, false
	}
	return s, c.reaches(s.Region)
}

type keepaliveReply struct {
	ID         string     `json:"id"`
	ExpiresAt  int64      `json:"expires_at_ms"`
	TTL        int        `json:"ttl_seconds"`
	StreamTime any        `json:"stream_time_ms,omitempty"`
	Publish    *roomReply `json:"publish"`
}

// keepalive answers POST /streams/{id}/keepalive.
func (c *call) keepalive() {
	s, ok := c.own()
	if !ok {
		return
	}
	renewed, ok := s.Renew()
	if !ok {
		c.fail(http.StatusNotFound, "Stream not found")
		return
	}
	if c.Switches.Is(switches.OldPublishToken, "void-on-keepalive") {
		s.VoidTokens()
	}
	publish, ok := c.grant(s)
	if !ok {
		return
	}
	c.reply(http.StatusOK, keepaliveReply{
		ID: s.ID, ExpiresAt: c.millis(renewed.Deadline), TTL: int(renewed.TTL.Seconds()),
		StreamTime: c.streamTime(renewed.Frames), Publish: publish,
	})
}

// deleteStream answers DELETE /streams/{id}.
func (c *call) deleteStream() {
	s, ok := c.own()
	if !ok {
		return
	}
	if !s.End(stream.ReasonDeleted) {
		switch c.Switches.Text(switches.DeleteAgain) {
		case "204":
			c.w.WriteHeader(http.StatusNoContent)
			return
		case "404":
			c.fail(http.StatusNotFound, "Stream not found")
			return
		}
	}
	c.reply(http.StatusOK, map[string]any{"id": s.ID, "deleted": true})
}

// viewerToken answers POST /streams/{id}/viewer-token.
func (c *call) viewerToken() {
	s, ok := c.own()
	if !ok {
		return
	}
	if s.Snapshot().Ended {
		c.fail(http.StatusNotFound, "Stream not found")
		return
	}
	ttl := c.Switches.Seconds(switches.ViewerTokenSeconds)
	url, token, err := s.View(ttl)
	if err != nil {
		c.Log.Error("granting a viewer token failed", zap.Error(err))
		c.fail(http.StatusServiceUnavailable, "media server unavailable")
		return
	}
	c.reply(http.StatusOK, map[string]any{
		"id": s.ID, "view": roomReply{Type: "livekit", URL: url, Token: token, ExpiresIn: int(ttl.Seconds())},
	})
}
