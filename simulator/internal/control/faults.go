package control

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
)

func (s *Server) addFault(r *http.Request) (any, error) {
	var rule fault.Rule
	if err := read(r, &rule); err != nil {
		return nil, err
	}
	if err := rule.Check(calllog.Operations()); err != nil {
		return nil, badRequest("fault rule: %v", err)
	}
	id := s.Faults.Add(rule)
	s.Log.Info("fault rule added", zap.String("fault", id), zap.String("op", rule.Op), zap.Int("status", rule.Status))
	return map[string]string{"id": id}, nil
}

func (s *Server) listFaults(*http.Request) (any, error) { return s.Faults.List(), nil }

func (s *Server) getFault(r *http.Request) (any, error) {
	for _, listed := range s.Faults.List() {
		if listed.ID == r.PathValue("id") {
			return listed, nil
		}
	}
	return nil, notFound("no fault rule %q", r.PathValue("id"))
}

func (s *Server) removeFault(r *http.Request) (any, error) {
	if !s.Faults.Remove(r.PathValue("id")) {
		return nil, notFound("no fault rule %q", r.PathValue("id"))
	}
	return done{true}, nil
}

func (s *Server) clearFaults(*http.Request) (any, error) {
	s.Faults.Clear()
	return done{true}, nil
}
