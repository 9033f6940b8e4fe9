package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Server answers /metrics, /healthz, /readyz and /status on one local address.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Listen opens the address, so that one that is taken is an error before anything else has started. Ready tells whether the agent does
// its work and, if not, why.
func Listen(address string, board *Board, metrics prometheus.Gatherer, agent string, ready func() (bool, string)) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("status.listen: %w; is another agent running?", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	live := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }
	prepared := func(w http.ResponseWriter, _ *http.Request) {
		ok, why := ready()
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, why)
	}
	mux.HandleFunc("GET /healthz", live)
	mux.HandleFunc("GET /-/healthy", live)
	mux.HandleFunc("GET /readyz", prepared)
	mux.HandleFunc("GET /-/ready", prepared)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(Page{Agent: agent, Time: time.Now(), Units: board.Units()}) // the reader may have gone
	})
	return &Server{listener: l, http: &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
	}}, nil
}

// A Page is the document at /status.
type Page struct {
	Agent string    `json:"agent"`
	Time  time.Time `json:"time"`
	Units []Unit    `json:"units"`
}

// Address returns host:port as it was opened, with the real port where port 0 was asked for.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Serve blocks until Close.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close stops answering and waits a moment for answers under way.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(s.http.Shutdown(ctx), s.http.Close())
}
