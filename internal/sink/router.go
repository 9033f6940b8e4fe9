package sink

import "github.com/overshoot-ai/overshoot-agent/internal/result"

// A Router puts each result into the queues of the sinks that its watch names.
type Router struct {
	routes map[string][]func(result.Result)
}

// NewRouter returns a router without routes.
func NewRouter() *Router { return &Router{map[string][]func(result.Result){}} }

// Route lets results of a watch go to add as well. All routes are made before the first result.
func (r *Router) Route(watch string, add func(result.Result)) {
	r.routes[watch] = append(r.routes[watch], add)
}

// Accept takes a result. It may be called from any goroutine and does not wait for any sink.
func (r *Router) Accept(res result.Result) {
	for _, add := range r.routes[res.Watch] {
		add(res)
	}
}
