// Package watch asks one question of one camera again and again, and turns the answers into results.
package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// KindOf is the part of the status board that shows the watch of this name. off: there is no stream; blind: no fresh pictures arrive.
func KindOf(name string) status.Kind {
	return status.Kind{Name: "watch " + name, States: []string{"off", "blind", "asking", "failing", "paused", "refused"}}
}

// Service answers questions; *overshoot.Client does.
type Service interface {
	Chat(ctx context.Context, region string, ask overshoot.ChatRequest) (overshoot.Answer, error)
}

// Stream is the stream the questions are about; *lease.Lease is one.
type Stream interface {
	Region() string
	Renew(ctx context.Context) error
}

// A Watcher asks one watch's question. It lives as long as its camera, Run as long as one stream.
type Watcher struct {
	Spec  config.Watch
	Fresh func() bool // whether pictures arrive at the service now
	// Accept takes a result over. It may block until there is room, but not after ctx has ended.
	Accept func(ctx context.Context, r result.Result)
	Stamp  func(*result.Result) // fills in what the watcher does not know: id, sequence, camera
	// Snapshot is told when a question is asked, and what time the answer will be about. What it returns is called before the result is
	// accepted, to give it its picture; it blocks for some seconds at most, and not longer than its context lasts. nil: results have no pictures.
	Snapshot func(about time.Time) (attach func(context.Context, *result.Result))
	Part     *status.Part
	Metrics  *Metrics

	models models
}

// Run asks until ctx ends. Questions do not overlap: while an answer is slow the ticks it covers are left out, and the rest keep their beat.
func (w *Watcher) Run(ctx context.Context, service Service, stream Stream, streamID string) {
	defer w.Part.Set("off", nil)
	every := time.Duration(w.Spec.Every)
	pause := retry.NewPause(every, max(time.Minute, every))
	for next := time.Now(); w.rest(ctx, next); next = following(next, every, time.Now()) {
		if !w.Fresh() {
			w.Part.Set("blind", nil)
			if !w.waitFresh(ctx) {
				return
			}
		}
		err := w.ask(ctx, service, stream.Region(), streamID)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			pause.Reset()
			continue
		}
		w.react(ctx, stream, err)
		next = next.Add(max(0, w.backOff(pause, err)-every))
	}
}

// rest blocks until the next question is due and reports false when ctx ended before. Pictures that were away and arrive again end a long
// rest: what made the service refuse us, such as a key, has changed.
func (w *Watcher) rest(ctx context.Context, due time.Time) bool {
	const look = 5 * time.Second
	away := false
	for time.Until(due) > look {
		if !retry.Sleep(ctx, look) {
			return false
		}
		if fresh := w.Fresh(); away && fresh {
			return true
		} else if !fresh {
			away = true
		}
	}
	return retry.Sleep(ctx, time.Until(due))
}

// following is the first tick after now on the beat of last.
func following(last time.Time, every time.Duration, now time.Time) time.Time {
	behind := now.Sub(last)
	if behind < 0 {
		return last.Add(every)
	}
	return last.Add((behind/every + 1) * every)
}

// waitFresh blocks until pictures arrive and reports false when ctx ended before.
func (w *Watcher) waitFresh(ctx context.Context) bool {
	const look = 50 * time.Millisecond
	for !w.Fresh() {
		if !retry.Sleep(ctx, look) {
			return false
		}
	}
	return true
}

// ask puts the question to the first model that is available and accepts the answer.
func (w *Watcher) ask(ctx context.Context, service Service, region, streamID string) error {
	w.Part.Set("asking", nil)
	asked := time.Now()
	attach := w.hold(asked)
	answer, err := w.models.ask(ctx, w.Spec, func(model string) (overshoot.Answer, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(w.Spec.Timeout))
		defer cancel()
		return service.Chat(ctx, region, w.request(model, streamID))
	})
	took := time.Since(asked)
	if err != nil {
		return err
	}
	w.Part.Well()
	w.Metrics.latency.Observe(took.Seconds())
	w.Metrics.received.Inc()
	w.Metrics.tokens.Add(float64(answer.Usage.Total))
	r := w.result(answer, streamID)
	r.Time, r.Latency = asked, took
	w.Stamp(&r)
	attach(ctx, &r)
	w.Accept(ctx, r)
	return nil
}

// hold takes hold of the picture of a question: of what the model sees, the middle.
func (w *Watcher) hold(asked time.Time) (attach func(context.Context, *result.Result)) {
	if w.Snapshot == nil {
		return func(context.Context, *result.Result) {}
	}
	return w.Snapshot(asked.Add(-time.Duration(w.Spec.Look.Last) / 2))
}

func (w *Watcher) request(model, streamID string) overshoot.ChatRequest {
	r := overshoot.ChatRequest{
		Model: model, System: w.Spec.System, Prompt: w.Spec.Prompt, MaxTokens: w.Spec.MaxTokens, Temperature: w.Spec.Temperature,
	}
	if w.Spec.Look.Frame {
		r.Media.ImageURL = overshoot.FrameURL(streamID)
	} else {
		r.Media.VideoURL = overshoot.WindowURL(streamID, time.Duration(w.Spec.Look.Last), w.Spec.Look.MaxFPS)
	}
	if w.Spec.Schema.JSON != "" {
		r.Schema, r.SchemaName = json.RawMessage(w.Spec.Schema.JSON), w.Spec.Name
	}
	return r
}

// result makes of an answer what travels on. An answer that is not what was asked for is kept, marked as such: it was paid for, and
// somebody may want to see it.
func (w *Watcher) result(a overshoot.Answer, streamID string) result.Result {
	r := result.Result{
		StreamID: streamID, Model: a.Model, OK: true, FinishReason: a.FinishReason,
		Usage: result.Usage{PromptTokens: int(a.Usage.Prompt), CompletionTokens: int(a.Usage.Completion), CachedTokens: int(a.Usage.Cached)},
	}
	if w.Spec.Schema.JSON != "" && json.Valid([]byte(a.Content)) {
		r.Answer = json.RawMessage(a.Content)
		return r
	}
	text, err := json.Marshal(a.Content)
	if err != nil { // a string always has a JSON form
		panic(err)
	}
	r.Answer = text
	if w.Spec.Schema.JSON != "" {
		r.OK, r.Error = false, "the model's answer is not JSON"
		if a.FinishReason == "length" {
			r.Error += ": it was cut at max_tokens, raise it"
		}
		w.Metrics.malformed.Inc()
	}
	return r
}

// react does what an error asks for, apart from waiting.
func (w *Watcher) react(ctx context.Context, stream Stream, err error) {
	w.Metrics.failures.Inc()
	switch overshoot.ActionOf(err) {
	case overshoot.ActionConfirm, overshoot.ActionRecreate:
		w.Part.Set("failing", err)
		_ = stream.Renew(ctx) // if the stream is gone its keeper hears it, and ends the lease and with it our context
	case overshoot.ActionPause:
		w.Part.Set("paused", err)
	case overshoot.ActionStop, overshoot.ActionFix:
		w.Part.Set("refused", fmt.Errorf("watch %q (%s): %w", w.Spec.Name, w.Spec.Position, err))
	default:
		w.Part.Set("failing", err)
	}
}

// backOff is how long to wait after an error.
func (w *Watcher) backOff(pause *retry.Pause, err error) time.Duration {
	wait := pause.Next()
	switch overshoot.ActionOf(err) {
	case overshoot.ActionSkip, overshoot.ActionWait:
		wait = min(wait, 5*time.Second) // the next pictures may do
	case overshoot.ActionPause:
		wait = max(wait, 5*time.Minute)
	case overshoot.ActionStop, overshoot.ActionFix:
		wait = max(wait, 15*time.Minute) // nothing changes until a person changes it
	}
	if e, ok := errors.AsType[*overshoot.Error](err); ok {
		wait = max(wait, e.Delay())
	}
	return wait
}
