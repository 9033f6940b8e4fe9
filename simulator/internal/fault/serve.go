package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Serve answers a call the way the rule says. next is the service's own handler; envelope makes the body of a refusal
// that gives none. It blocks for as long as the rule has it, or until the request's context ends.
func (r Rule) Serve(w http.ResponseWriter, req *http.Request, next http.HandlerFunc, envelope func(status int) []byte) {
	delay := time.Duration(r.DelayMS) * time.Millisecond
	if !r.AfterEffect && !Wait(req.Context(), delay) {
		return
	}
	if !r.AfterEffect && !r.Hang && !r.Hangup && !r.replaces() && !r.spoils() {
		r.addHeaders(w.Header())
		next(w, req)
		return
	}
	answer := newRecorder()
	if r.AfterEffect || (!r.Hang && !r.Hangup && !r.replaces()) {
		next(answer, req)
	}
	if r.AfterEffect && !Wait(req.Context(), delay) {
		return
	}
	switch {
	case r.Hang:
		<-req.Context().Done()
	case r.Hangup:
		hangUp(w)
	default:
		r.send(req.Context(), w, answer, envelope)
	}
}

// send writes the recorded answer with the rule's status, headers and body in place of its own.
func (r Rule) send(ctx context.Context, w http.ResponseWriter, answer *recorder, envelope func(status int) []byte) {
	status, body := answer.status, answer.body.Bytes()
	if r.replaces() {
		status, body = max(r.Status, http.StatusOK), r.ownBody(envelope)
		answer.header = http.Header{"Content-Type": {contentType(r.Body)}}
	}
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	r.addHeaders(w.Header())
	if r.BodyBytes > 0 {
		w.WriteHeader(status)
		writeBig(w, r.BodyBytes)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.TruncateBodyBytes > 0 {
		// A handler that wrote less than its Content-Length makes net/http close the connection.
		body = body[:min(len(body), r.TruncateBodyBytes)]
	}
	if r.SlowLoris > 0 {
		drip(ctx, w, body, r.SlowLoris)
		return
	}
	_, _ = w.Write(body) // a client that left is no concern of a fault
}

func (r Rule) ownBody(envelope func(status int) []byte) []byte {
	var text string
	switch {
	case len(r.Body) == 0:
		return envelope(max(r.Status, http.StatusOK))
	case json.Unmarshal(r.Body, &text) == nil:
		return []byte(text)
	default:
		return r.Body
	}
}

// contentType is text where the body is a JSON string, whose text is sent as it is: proxies answer such.
func contentType(body json.RawMessage) string {
	if bytes.HasPrefix(body, []byte(`"`)) {
		return "text/plain; charset=utf-8"
	}
	return "application/json"
}

func (r Rule) addHeaders(h http.Header) {
	for name, value := range r.Headers {
		h.Set(name, value)
	}
}

// hangUp closes the connection under the answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's other way of closing it
	}
	_ = conn.Close()
}

// writeBig writes one JSON object of about size bytes.
func writeBig(w http.ResponseWriter, size int64) {
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	if _, err := w.Write([]byte(`{"detail":"`)); err != nil {
		return
	}
	for size > 0 {
		n, err := w.Write(chunk[:min(size, int64(len(chunk)))])
		if err != nil {
			return
		}
		size -= int64(n)
	}
	_, _ = w.Write([]byte(`"}`))
}

// drip writes body at so many bytes per second, in up to ten pieces per second.
func drip(ctx context.Context, w http.ResponseWriter, body []byte, perSecond int) {
	piece := max(1, perSecond/10)
	pause := time.Second * time.Duration(piece) / time.Duration(perSecond)
	flush := http.NewResponseController(w)
	for len(body) > 0 {
		n := min(piece, len(body))
		if _, err := w.Write(body[:n]); err != nil || flush.Flush() != nil {
			return
		}
		body = body[n:]
		if !Wait(ctx, pause) {
			return
		}
	}
}

// Wait blocks for d and returns true, or returns false at once when ctx ends first.
func Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
