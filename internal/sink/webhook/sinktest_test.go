package webhook_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/sinktest"
)

func TestPromisesOfAllSinks(t *testing.T) { sinktest.Run(t, world) }

// world is a receiver that takes results until it is told to do something else.
func world(t *testing.T) sinktest.World {
	var (
		mu     sync.Mutex
		answer func(http.ResponseWriter, request) // nil: taken
		left   = -1                               // how many it still takes before it fails
		got    []string
	)
	give := func(next func(http.ResponseWriter, request)) {
		mu.Lock()
		defer mu.Unlock()
		answer, left = next, -1
	}
	r := listen(t, func(w http.ResponseWriter, r request) {
		mu.Lock()
		say := answer
		if left == 0 {
			say = says(500, "canary-token")
		}
		if say == nil {
			var res result.Result
			if err := res.UnmarshalJSON([]byte(r.body)); err != nil {
				t.Error(err)
			}
			got = append(got, res.ID)
			left--
		}
		if mu.Unlock(); say != nil {
			say(w, r)
		}
	})
	said := func(code int, want sink.Error, header ...string) sinktest.Answer {
		return sinktest.Answer{Give: func() { give(says(code, "no: canary-token", header...)) }, Want: want}
	}
	return sinktest.World{
		Sink: open(t, "url: "+strings.Replace(r.URL, "http://", "http://door:canary-password@", 1)+"/canary-path\nheaders: {X-Key: canary-token}"),
		Received: func() []string {
			mu.Lock()
			defer mu.Unlock()
			return append([]string(nil), got...)
		},
		Away: func() { give(func(http.ResponseWriter, request) { panic(http.ErrAbortHandler) }) },
		Back: func() { give(nil) },
		BreakAfter: func(n int) {
			mu.Lock()
			defer mu.Unlock()
			left = n
		},
		Hang: func() <-chan struct{} {
			waits := make(chan struct{})
			give(func(_ http.ResponseWriter, r request) {
				close(waits)
				<-r.Context().Done()
			})
			return waits
		},
		Answers: map[string]sinktest.Answer{
			"busy":        said(429, sink.Error{Kind: sink.Again, RetryAfter: 7 * time.Second}, "Retry-After", "7"),
			"trouble":     said(500, sink.Error{Kind: sink.Again}),
			"moved":       said(302, sink.Error{Kind: sink.Again}, "Location", "http://elsewhere.example/canary-token"),
			"not wanted":  said(422, sink.Error{Kind: sink.Refused}),
			"not allowed": said(401, sink.Error{Kind: sink.Again}),
			"gone":        said(410, sink.Error{Kind: sink.Gone}),
		},
		Secrets: []string{"canary"},
	}
}
