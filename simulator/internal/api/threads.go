package api

import (
	"sync"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/model"
)

// maxThreads bounds what is remembered of threads; then all are forgotten, as caches do.
const maxThreads = 10_000

// threads remembers which threads a model has seen, as its prompt cache would.
type threads struct {
	mu   sync.Mutex
	seen map[string]bool
}

// visit tells whether the thread was seen before, and remembers it.
func (t *threads) visit(thread string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil || len(t.seen) >= maxThreads {
		t.seen = map[string]bool{}
	}
	before := t.seen[thread]
	t.seen[thread] = true
	return before
}

// fromCache finds out how much of the prompt was cached: on a thread seen before, the system text.
func (c *call) fromCache(m model.Model, usage *model.Usage) cacheReply {
	reply := cacheReply{ThreadID: c.chat.ThreadID}
	if c.chat.ThreadID == nil || !c.threads.visit(c.key.User+"\x00"+m.ID+"\x00"+*c.chat.ThreadID) {
		return reply
	}
	usage.CachedTokens = model.Tokens(c.chat.text(systemRole))
	reply.Hit, reply.CachedTokens = usage.CachedTokens > 0, usage.CachedTokens
	return reply
}
