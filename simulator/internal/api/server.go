// Package api answers the service's v1beta HTTP API: streams, models, chat completions and billing.
//
// A call goes through four hands: begin reads it whole, a fault rule may take it away (package fault), its handler answers,
// and finish writes it to the call log. Handlers are in files named after their part of the API; envelopes.go has the five
// shapes of errors.
package api

import (
	"net/http"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// Base is the path under which the API lies; billing lies under the root.
const Base = "/v1beta"

// Options are the parts that an API works on. All must be given.
type Options struct {
	Keys     *account.Book
	Streams  *stream.Registry
	Switches *switches.Set
	Faults   *fault.Book
	Calls    *calllog.Log
	Cameras  Cameras
	Ready    func() bool // whether the media server runs
	Log      *zap.Logger
}

// Cameras tells about the test cameras, by the numbers burned into their pictures.
type Cameras interface {
	// Live returns the counter that each camera is at right now.
	Live() map[int]int
	// Name returns a camera's name, "" where the number is nobody's.
	Name(number int) string
}

// A Server is the API. It is an http.Handler.
type Server struct {
	Options
	mux     *http.ServeMux
	threads threads
	answers atomic.Int64 // of the models, so far
}

// New returns the API over its parts.
func New(options Options) *Server {
	s := &Server{Options: options, mux: http.NewServeMux()}
	s.route("POST "+Base+"/streams", calllog.OpCreate, needsKey, (*call).createStream)
	s.route("GET "+Base+"/streams/{id}", calllog.OpGet, needsKey, (*call).getStream)
	s.route("DELETE "+Base+"/streams/{id}", calllog.OpDelete, needsKey, (*call).deleteStream)
	s.route("POST "+Base+"/streams/{id}/keepalive", calllog.OpKeepalive, needsKey, (*call).keepalive)
	s.route("POST "+Base+"/streams/{id}/viewer-token", calllog.OpViewerToken, needsKey, (*call).viewerToken)
	s.route("GET "+Base+"/models", calllog.OpModels, open, (*call).listModels)
	s.route("POST "+Base+"/chat/completions", calllog.OpChat, needsKey, (*call).chatCompletion)
	s.route("GET /billing/pricing", calllog.OpPricing, open, (*call).listPrices)
	s.route("GET /billing/pricing/{model...}", calllog.OpPricing, open, (*call).getPrice)
	s.route("GET /billing/accounts/me/balance", calllog.OpBalance, needsKey, (*call).getBalance)
	s.route("POST /billing/checkout", calllog.OpCheckout, needsKey, (*call).checkout)
	s.mux.HandleFunc("GET /healthz", s.health)
	s.mux.HandleFunc("GET /readyz", s.ready)
	s.mux.HandleFunc("/", s.notFound)
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// access says whether an endpoint wants an API key.
type access bool

const (
	needsKey access = true
	open     access = false
)

func (s *Server) route(pattern, op string, access access, handle func(*call)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := s.begin(w, r, op)
		defer s.finish(c)
		serve := func(w http.ResponseWriter, _ *http.Request) {
			c.w = w
			switch {
			case c.bodyProblem != nil:
				c.fail(http.StatusRequestEntityTooLarge, c.bodyProblem.Error())
			case access == needsKey && !c.authenticated:
				c.fail(http.StatusUnauthorized, "Invalid or missing API key")
			default:
				handle(c)
			}
		}
		rule, id, struck := s.Faults.Strike(c.forFault())
		if !struck {
			serve(c.w, r)
			return
		}
		c.faultID = id
		rule.Serve(c.w, r, serve, c.envelope)
	})
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"}, false)
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.Ready() {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "media server not running"}, false)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"}, false)
}

func (s *Server) notFound(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusNotFound, plain("Not Found"), s.Switches.On(switches.ExtraFields))
}
