package sink

import (
	"sync/atomic"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// A Router puts each result into the queues of the sinks that its watch names. Its methods may be called from any goroutine.
type Router struct{ routes atomic.Pointer[Routes] }

// Routes are, by watch, what takes its results; nothing in there may block.
type Routes map[string][]func(result.Result)

// NewRouter returns a router without routes.
func NewRouter() *Router {
	r := &Router{}
	r.Set(Routes{})
	return r
}

// Set puts routes in the place of those before. They must not be changed afterwards.
func (r *Router) Set(routes Routes) { r.routes.Store(&routes) }

// Accept takes a result. It does not wait for any sink.
func (r *Router) Accept(res result.Result) {
	for _, add := range (*r.routes.Load())[res.Watch] {
		add(res)
	}
}
