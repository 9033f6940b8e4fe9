package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// A service stands in for Overshoot: the calls of its v1beta API that an agent needs, at no cost. Each stream is a room with one viewer.
type service struct {
	*httptest.Server
	media   *mediaServer
	passage *passage
	answers atomic.Uint64

	mu      sync.Mutex
	streams int
	rooms   []interface{ Disconnect() }
	failed  error // of a viewer
}

func startService(media *mediaServer, p *passage) *service {
	s := &service{media: media, passage: p}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /streams", s.create)
	mux.HandleFunc("POST /streams/{id}/keepalive", func(w http.ResponseWriter, r *http.Request) { s.lease(w, r.PathValue("id")) })
	mux.HandleFunc("GET /streams/{id}", s.state)
	mux.HandleFunc("DELETE /streams/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /models", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"data": []any{map[string]any{"id": askedModel, "status": "ready"}}})
	})
	mux.HandleFunc("POST /chat/completions", s.chat)
	s.Server = httptest.NewServer(http.StripPrefix("/v1beta", mux))
	return s
}

const askedModel = "google/gemma-4-26B-A4B-it"

func (s *service) create(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	s.streams++
	id := fmt.Sprintf("stream-%d", s.streams)
	s.mu.Unlock()
	go func() {
		room, err := s.media.view(id, s.passage)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.failed = err
			return
		}
		s.rooms = append(s.rooms, room)
	}()
	s.lease(w, id)
}

func (s *service) lease(w http.ResponseWriter, id string) {
	token, err := s.media.token(id, "agent")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]any{
		"id": id, "ttl_seconds": 300, "publish": map[string]any{"type": "livekit", "url": s.media.url(), "token": token},
	})
}

// state tells of the pictures of all streams as if they were of one: the agent only wants to see them grow.
func (s *service) state(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{
		"id": r.PathValue("id"), "state": "active", "ttl_seconds": 300,
		"last_frame_index": s.passage.pictures.Load(), "last_frame_at_ms": time.Now().UnixMilli(),
	})
}

func (s *service) chat(w http.ResponseWriter, _ *http.Request) {
	s.answers.Add(1)
	message := map[string]any{"message": map[string]any{"content": "Nothing."}, "finish_reason": "stop"}
	answer(w, map[string]any{"id": "1", "model": askedModel, "choices": []any{message}})
}

// viewers returns how many rooms are viewed, and what kept us from viewing others.
func (s *service) viewers() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rooms), s.failed
}

func (s *service) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, room := range s.rooms {
		room.Disconnect()
	}
	s.Close()
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // an agent that hung up does not want it
}
