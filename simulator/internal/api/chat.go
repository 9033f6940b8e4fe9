package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/model"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// chatCompletion answers POST /chat/completions. The frames are those of the moment the request is looked at; the model
// thinks afterwards.
func (c *call) chatCompletion() {
	if len(c.chatProblems) > 0 {
		c.reply(http.StatusUnprocessableEntity, invalidBody(c.chatProblems...))
		return
	}
	if !c.withinRate() || c.refusedChat() {
		return
	}
	m, ok := c.chosenModel()
	if !ok {
		return
	}
	scene, ok := c.look(m)
	if !ok || c.chatFault() {
		return
	}
	if !fault.Wait(c.r.Context(), c.Switches.Milliseconds(switches.ChatLatencyMS)) {
		return
	}
	c.answer(m, scene)
}

// withinRate counts the request against the user's limit. The answer says how much is left.
func (c *call) withinRate() bool {
	limit := c.Switches.Int(switches.RateLimitRPS)
	if limit == 0 {
		return true
	}
	now := time.UnixMilli(c.millis(c.started))
	c.allowance = c.Keys.Allow(c.key.User, now, limit)
	if !c.allowance.OK {
		c.rateHeaders()
		c.w.Header().Set("Retry-After", "1")
		c.failChat(http.StatusTooManyRequests, chatErrorBody{Message: "too many requests in this second", Type: typeRateLimit, Code: "rate_limited"})
		return false
	}
	return true
}

// rateHeaders says what withinRate found, where there is a limit. The service sends them with 200 and 429 only.
func (c *call) rateHeaders() {
	if c.allowance.Limit == 0 {
		return
	}
	c.w.Header().Set("X-Ratelimit-Limit", strconv.Itoa(c.allowance.Limit))
	c.w.Header().Set("X-Ratelimit-Remaining", strconv.Itoa(c.allowance.Remaining))
	c.w.Header().Set("X-Ratelimit-Reset", strconv.FormatInt(c.allowance.Reset, 10))
}

// refusedChat answers where the user may not spend.
func (c *call) refusedChat() bool {
	if c.Keys.Balance(c.key.User) > 0 {
		return false
	}
	c.failChat(http.StatusPaymentRequired, chatErrorBody{Message: "the balance is used up", Type: typeBilling, Code: "billing_denied"})
	return true
}

func (c *call) chosenModel() (model.Model, bool) {
	m, known := model.Find(c.chat.Model)
	switch {
	case !known:
		c.failChat(http.StatusNotFound, chatErrorBody{Message: "no such model", Type: typeProvider, Code: "model_not_found"})
	case !c.serving(m.ID):
		c.failChat(http.StatusServiceUnavailable, chatErrorBody{Message: "the model serves no requests now", Type: typeProvider, Code: "model_unavailable"})
		return m, false
	}
	return m, known
}

// chatFault answers as the switch chat_faults says, where it names a status.
func (c *call) chatFault() bool {
	switch chosen := c.Switches.Text(switches.ChatFaults); chosen {
	case "429":
		c.rateHeaders()
		c.w.Header().Set("Retry-After", "1")
		fallthrough
	case "500", "502", "503", "504":
		status, _ := strconv.Atoi(chosen)
		c.reply(status, c.envelopeFor(status))
		return true
	case "slow-first-byte":
		return !fault.Wait(c.r.Context(), c.Switches.Milliseconds(switches.FaultDelayMS))
	default:
		return false
	}
}

type chatReply struct {
	ID        string       `json:"id"`
	Object    string       `json:"object"`
	Created   int64        `json:"created"`
	Model     string       `json:"model"`
	Choices   []chatChoice `json:"choices"`
	Usage     *usageReply  `json:"usage,omitempty"`
	Overshoot *extensions  `json:"overshoot,omitempty"`
}

type chatChoice struct {
	Index        int          `json:"index"`
	Message      *chatContent `json:"message,omitempty"`
	Delta        *chatContent `json:"delta,omitempty"`
	FinishReason *string      `json:"finish_reason"`
}

type chatContent struct {
	Role    string `json:"role,omitempty"`
	Content any    `json:"content,omitempty"`
}

type usageReply struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// extensions are the service's own additions.
type extensions struct {
	Cache cacheReply `json:"cache"`
}

type cacheReply struct {
	ThreadID     *string `json:"thread_id"`
	Hit          bool    `json:"cache_hit"`
	CachedTokens int     `json:"cached_input_tokens"`
}

// answer asks the model, charges the user and sends what it said.
func (c *call) answer(m model.Model, scene model.Scene) {
	serial := c.answers.Add(1)
	said, err := model.Ask(model.Question{
		Text: c.chat.text(anyRole), Scene: scene, Format: c.chat.format(), MaxTokens: c.chat.cap(), Serial: serial,
	})
	if err != nil {
		c.refusedByProvider(m, err)
		return
	}
	cache := c.fromCache(m, &said.Usage)
	c.Keys.Charge(c.key.User, m.Cost(said.Usage))
	c.rateHeaders()
	c.chatLog.Content, c.chatLog.AnsweredAt, c.chatLog.Serial = said.Content, time.Now(), serial
	reply := chatReply{
		ID: "chatcmpl-" + uuid.NewString(), Object: "chat.completion", Created: c.millis(time.Now()) / 1000, Model: m.ID,
		Usage: &usageReply{
			said.Usage.PromptTokens, said.Usage.CompletionTokens,
			said.Usage.PromptTokens + said.Usage.CompletionTokens,
		},
		Overshoot: &extensions{cache},
	}
	finish := "stop"
	if said.Cut {
		finish = "length"
	}
	content := c.spoiled(said.Content)
	if c.chat.Stream {
		c.streamReply(reply, content, finish)
		return
	}
	if c.Switches.Is(switches.ChatFaults, "empty-choices") {
		reply.Choices = []chatChoice{}
	} else {
		reply.Choices = []chatChoice{{Message: &chatContent{Role: "assistant", Content: content}, FinishReason: &finish}}
	}
	c.reply(http.StatusOK, reply)
}

// spoiled is the content as the switch chat_faults lets it through: a string or null.
func (c *call) spoiled(content string) any {
	switch c.Switches.Text(switches.ChatFaults) {
	case "null-content":
		return nullContent{}
	case "not-json":
		return "Certainly! Here is what I see: " + content
	default:
		return content
	}
}

// nullContent is a null that omitempty does not leave out.
type nullContent struct{}

// MarshalJSON writes null.
func (nullContent) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// refusedByProvider answers as if the provider behind the service had refused the request.
func (c *call) refusedByProvider(m model.Model, reason error) {
	c.failChat(http.StatusBadRequest, chatErrorBody{
		Message: fmt.Sprintf("the provider refused the request: %v", reason), Type: typeUpstream, Code: "upstream_http_400",
		Upstream: &upstream{Provider: m.Provider, Status: http.StatusBadRequest, Body: map[string]any{"error": reason.Error()}},
	})
}
