package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// streamReply sends an answer as server-sent events: some pieces of it, its end, its usage where that is asked for, and
// the terminator. The switch chat_faults can cut it off after the first half.
func (c *call) streamReply(reply chatReply, content any, finish string) {
	usage, cache := reply.Usage, reply.Overshoot
	reply.Object, reply.Usage, reply.Overshoot = "chat.completion.chunk", nil, nil
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("Cache-Control", "no-cache")
	c.w.WriteHeader(http.StatusOK)

	pieces := inPieces(content)
	if c.Switches.Is(switches.ChatFaults, "empty-choices") {
		pieces = nil
	}
	for i, piece := range pieces {
		if i > 0 && i >= len(pieces)/2 && c.Switches.Is(switches.ChatFaults, "cut-sse") {
			return
		}
		delta := &chatContent{Content: piece}
		if i == 0 {
			delta.Role = "assistant"
		}
		reply.Choices = []chatChoice{{Delta: delta}}
		c.event(reply)
	}
	if c.Switches.Is(switches.ChatFaults, "cut-sse") {
		return
	}
	if pieces != nil {
		reply.Choices = []chatChoice{{Delta: &chatContent{}, FinishReason: &finish}}
		c.event(reply)
	}
	if c.chat.StreamOptions.IncludeUsage {
		reply.Choices, reply.Usage, reply.Overshoot = []chatChoice{}, usage, cache
		c.event(reply)
	}
	_, _ = fmt.Fprint(c.w, "data: [DONE]\n\n")
}

// event sends one chunk at once.
func (c *call) event(chunk chatReply) {
	_, _ = fmt.Fprintf(c.w, "data: %s\n\n", encode(chunk, c.Switches.On(switches.ExtraFields)))
	_ = http.NewResponseController(c.w).Flush() // a recorder cannot, a client that left need not
}

// inPieces cuts a text before its spaces, as tokens would; a null is one piece.
func inPieces(content any) []any {
	text, ok := content.(string)
	if !ok {
		return []any{content}
	}
	var pieces []any
	for piece := range strings.SplitAfterSeq(text, " ") {
		pieces = append(pieces, piece)
	}
	return pieces
}
