package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
)

// mediaTimeout bounds what is asked of the media server, which may be frozen.
const mediaTimeout = 10 * time.Second

func (s *Server) changeStream(r *http.Request) (any, error) {
	id, action := r.PathValue("id"), r.PathValue("action")
	target, found := s.Streams.Find(id)
	if !found {
		return nil, notFound("no stream %q", id)
	}
	ctx, cancel := context.WithTimeout(r.Context(), mediaTimeout)
	defer cancel()
	s.Log.Info("stream changed", zap.String("stream", id), zap.String("action", action))
	switch action {
	case "expire":
		return done{target.Expire()}, nil
	case "end":
		return done{target.End(cmp.Or(r.URL.Query().Get("reason"), stream.ReasonExpired))}, nil
	case "void-tokens":
		target.VoidTokens()
		return done{true}, nil
	case "remove-publisher":
		return done{true}, target.RemovePublisher(ctx)
	case "delete-room":
		return done{true}, target.DeleteRoom(ctx)
	default:
		return nil, notFound("a stream cannot %q: expire, end, void-tokens, remove-publisher or delete-room", action)
	}
}

func (s *Server) changeCamera(r *http.Request) (any, error) {
	name, action := r.PathValue("name"), r.PathValue("action")
	s.Log.Info("camera changed", zap.String("camera", name), zap.String("action", action))
	known := false
	switch action {
	case "stall":
		known = s.Cameras.Stall(name)
	case "resume":
		known = s.Cameras.Resume(name)
	case "silence":
		known = s.Cameras.Silence(name)
	case "disconnect":
		known = s.Cameras.Disconnect(name)
	case "down", "up":
		known = s.Cameras.SetDown(name, action == "down")
	default:
		return nil, notFound("a camera cannot %q: stall, resume, silence, disconnect, down or up", action)
	}
	return s.cameraDone(name, known)
}

func (s *Server) setCamera(r *http.Request) (any, error) {
	var change struct {
		Password string `json:"password"`
	}
	if err := read(r, &change); err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	return s.cameraDone(name, s.Cameras.SetPassword(name, change.Password))
}

func (s *Server) cameraDone(name string, known bool) (any, error) {
	if !known {
		return nil, notFound("no camera %q", name)
	}
	return done{true}, nil
}

func (s *Server) changeLiveKit(r *http.Request) (any, error) {
	action := r.PathValue("action")
	s.Log.Info("media server changed", zap.String("action", action))
	switch action {
	case "kill":
		s.LiveKit.Kill()
	case "restart":
		ctx, cancel := context.WithTimeout(r.Context(), mediaTimeout)
		defer cancel()
		if err := s.LiveKit.Restart(ctx); err != nil {
			return nil, err
		}
	case "pause":
		s.LiveKit.Pause()
	case "resume":
		s.LiveKit.Resume()
	default:
		return nil, notFound("the media server cannot %q: kill, restart, pause or resume", action)
	}
	return done{true}, nil
}

func (s *Server) setKey(r *http.Request) (any, error) {
	var change account.Change
	if err := read(r, &change); err != nil {
		return nil, err
	}
	if err := s.Keys.Update(r.PathValue("name"), change); err != nil {
		return nil, badRequest("%v", err)
	}
	return done{true}, nil
}

// setSwitches takes an object of names and values; numbers and booleans may stand as such.
func (s *Server) setSwitches(r *http.Request) (any, error) {
	var given map[string]json.RawMessage
	if err := read(r, &given); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for name, raw := range given {
		var text string
		switch {
		case json.Unmarshal(raw, &text) == nil:
			values[name] = text
		case bytes.Equal(raw, []byte("true")):
			values[name] = "on"
		case bytes.Equal(raw, []byte("false")):
			values[name] = "off"
		default:
			values[name] = strings.TrimSpace(string(raw))
		}
	}
	if err := s.Switches.SetAll(values); err != nil {
		return nil, badRequest("%v", err)
	}
	return s.Switches.Values(), nil
}

func (s *Server) listSwitches(*http.Request) (any, error) { return s.Switches.Definitions(), nil }
