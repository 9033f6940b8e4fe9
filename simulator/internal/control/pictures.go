package control

import (
	"net/http"
	"time"
)

// A picture is one that arrived at a stream.
type picture struct {
	Index   int64     `json:"index"` // from 0
	At      time.Time `json:"at"`
	Counter int       `json:"counter"` // -1: illegible
	Key     bool      `json:"key"`
	Width   int       `json:"width"`
	Height  int       `json:"height"`
}

// pictures answers with what a stream still has of the pictures that arrived after number since.
func (s *Server) pictures(r *http.Request) (any, error) {
	target, found := s.Streams.Find(r.PathValue("id"))
	if !found {
		return nil, notFound("no stream %q", r.PathValue("id"))
	}
	since, err := sinceOf(r, -1)
	if err != nil {
		return nil, err
	}
	list := []picture{}
	for _, frame := range target.FramesAfter(since) {
		list = append(list, picture{
			Index: frame.Index, At: frame.At, Counter: frame.Reading.Counter, Key: frame.Key,
			Width: frame.Reading.Width, Height: frame.Reading.Height,
		})
	}
	return list, nil
}
