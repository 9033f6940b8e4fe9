// Package control is the simulator's own HTTP interface, for tests: what is going on, which calls came in, and what shall go
// wrong. It lies under /control beside the API; simulator/README.md shows it by example. It asks for no key, so the
// simulator belongs on a loopback address.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// Base is the path under which the control interface lies.
const Base = "/control"

// Options are the parts that are controlled. All must be given.
type Options struct {
	Keys     *account.Book
	Streams  *stream.Registry
	Switches *switches.Set
	Faults   *fault.Book
	Calls    *calllog.Log
	Cameras  Cameras
	LiveKit  LiveKit
	Log      *zap.Logger
}

// Cameras are the test cameras.
type Cameras interface {
	All() []Camera
	// Name returns the name of the camera with a number, "" where there is none.
	Name(number int) string
	// The rest changes a camera and returns false where none has the name.
	Stall(name string) bool
	Resume(name string) bool
	Silence(name string) bool
	Disconnect(name string) bool
	SetDown(name string, down bool) bool
	SetPassword(name, password string) bool
}

// A Camera is the state of one test camera.
type Camera struct {
	Name     string `json:"name"`
	Number   int    `json:"number"` // burned into its pictures
	URL      string `json:"url"`
	Clip     string `json:"clip"`
	Counter  int    `json:"counter"` // burned into the newest picture sent; -1: none yet
	Frames   int    `json:"frames"`  // sent so far
	Sessions int    `json:"sessions"`
	Plays    int    `json:"plays"`   // sessions there ever were
	Refused  int    `json:"refused"` // requests with a wrong user name or password
}

// LiveKit is the media server process.
type LiveKit interface {
	URL() string
	PID() int
	Running(ctx context.Context) bool
	Kill()
	Restart(ctx context.Context) error
	Pause()
	Resume()
}

// A Server is the control interface. It is an http.Handler.
type Server struct {
	Options
	mux *http.ServeMux
}

// New returns the control interface over its parts.
func New(options Options) *Server {
	s := &Server{Options: options, mux: http.NewServeMux()}
	s.handle("GET", "/state", s.state)
	s.handle("GET", "/calls", s.calls)
	s.handle("GET", "/faults", s.listFaults)
	s.handle("POST", "/faults", s.addFault)
	s.handle("DELETE", "/faults", s.clearFaults)
	s.handle("GET", "/faults/{id}", s.getFault)
	s.handle("DELETE", "/faults/{id}", s.removeFault)
	s.handle("GET", "/streams/{id}/pictures", s.pictures)
	s.handle("POST", "/streams/{id}/{action}", s.changeStream)
	s.handle("POST", "/cameras/{name}/{action}", s.changeCamera)
	s.handle("PUT", "/cameras/{name}", s.setCamera)
	s.handle("POST", "/livekit/{action}", s.changeLiveKit)
	s.handle("GET", "/switches", s.listSwitches)
	s.handle("PUT", "/switches", s.setSwitches)
	s.handle("PUT", "/keys/{name}", s.setKey)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, nil, notFound("%s %s is nothing to control", r.Method, r.URL.Path))
	})
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// handle registers a function whose result is answered as JSON.
func (s *Server) handle(method, path string, f func(*http.Request) (any, error)) {
	s.mux.HandleFunc(method+" "+Base+path, func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(r)
		write(w, answer, err)
	})
}

// A refusal is an error with a status of its own.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func notFound(format string, args ...any) error {
	return &refusal{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// done is the answer where there is nothing to say.
type done struct {
	OK bool `json:"ok"`
}

func write(w http.ResponseWriter, answer any, err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
		if r, ok := errors.AsType[*refusal](err); ok {
			status = r.status
		}
		answer = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client may have gone
}

// read decodes a small JSON body and refuses fields that v does not have.
func read(r *http.Request, v any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return badRequest("the body: %v", err)
	}
	return nil
}
