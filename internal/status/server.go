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

// A Server answers /metrics, /healthz, /readyz, /status and /-/reload on one local address.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Pages are what the server shows and takes.
type Pages struct {
	Board   *Board
	Metrics prometheus.Gatherer
	Agent   func() string
	Ready   func() (ok bool, why string) // whether the agent does its work and, if not, why
	Reload  func() error                 // takes the configuration anew; its error is shown to whoever asked
}

// Listen opens the address, so that one that is taken is an error before anything else has started.
func Listen(address string, p Pages) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("status.listen: %w; is another agent running?", err)
	}
	// A page in somebody's browser can reach us as well as its user can; it must not be able to change anything.
	handler := http.NewCrossOriginProtection().Handler(p.mux())
	return &Server{listener: l, http: &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
	}}, nil
}

func (p Pages) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{}))
	for _, path := range []string{"/healthz", "/-/healthy"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	}
	for _, path := range []string{"/readyz", "/-/ready"} {
		mux.HandleFunc("GET "+path, p.ready)
	}
	mux.HandleFunc("GET /status", p.status)
	mux.HandleFunc("POST /-/reload", p.reload)
	return mux
}

func (p Pages) ready(w http.ResponseWriter, _ *http.Request) {
	ok, why := p.Ready()
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, why)
}

func (p Pages) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(Page{Agent: p.Agent(), Time: time.Now(), Units: p.Board.Units()}) // the reader may have gone
}

func (p Pages) reload(w http.ResponseWriter, _ *http.Request) {
	if err := p.Reload(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, "the configuration was reloaded")
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
