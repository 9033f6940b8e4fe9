package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	for code, kind := range map[int]sink.Kind{
		300: sink.Again, 304: sink.Again, 400: sink.Refused, 401: sink.Again, 403: sink.Refused, 404: sink.Refused, 408: sink.Again,
		409: sink.Refused, 410: sink.Gone, 413: sink.Refused, 422: sink.Refused, 425: sink.Again, 429: sink.Again, 499: sink.Refused,
		500: sink.Again, 501: sink.Again, 502: sink.Again, 503: sink.Again, 504: sink.Again, 599: sink.Again, 600: sink.Again, 999: sink.Again,
	} {
		r := listen(t, says(code, ""))
		taken, err := open(t, "url: "+r.URL+"/path").Deliver(t.Context(), results("1", "2"))
		if taken != 0 || len(r.requests()) != 1 {
			t.Errorf("%d: took %d in %d requests", code, taken, len(r.requests()))
		}
		wantError(t, err, kind, fmt.Sprintf("POST %s: %d", r.URL, code))
	}
	for _, code := range []int{200, 201, 202, 204, 226, 299} {
		deliver(t, open(t, "url: "+listen(t, says(code, "")).URL), results("1")...)
	}
}

func TestOnlyTheFirstPartMayBeTaken(t *testing.T) {
	n := 0
	r := listen(t, func(w http.ResponseWriter, _ request) {
		if n++; n > 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	taken, err := open(t, "url: "+r.URL).Deliver(t.Context(), numbered(10))
	if wantError(t, err, sink.Again, "503 Service Unavailable"); taken != 3 {
		t.Errorf("took %d", taken)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Now()
	for name, tc := range map[string]struct {
		code  int
		value string
		want  time.Duration
	}{
		"seconds":      {429, "7", 7 * time.Second},
		"unavailable":  {503, "120", 2 * time.Minute},
		"date":         {503, now.Add(90 * time.Second).UTC().Format(http.TimeFormat), 90 * time.Second},
		"past":         {429, now.Add(-time.Hour).UTC().Format(http.TimeFormat), 0},
		"hours":        {429, "86400", 5 * time.Minute},
		"years":        {503, "Tue, 10 Nov 3025 08:00:00 GMT", 5 * time.Minute},
		"nonsense":     {429, "soon", 0},
		"a refusal":    {400, "7", 0},
		"gone":         {410, "7", 0},
		"not said":     {429, "", 0},
		"while moving": {302, "7", 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := listen(t, says(tc.code, "", "Retry-After", tc.value, "Date", now.UTC().Format(http.TimeFormat)))
			_, err := open(t, "url: "+r.URL).Deliver(t.Context(), results("1"))
			if e, ok := err.(*sink.Error); !ok || e.RetryAfter != tc.want {
				t.Errorf("got %#v, want %v", err, tc.want)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := listen(t, nil)
	for _, code := range []int{301, 302, 303, 307, 308} {
		r := listen(t, says(code, "moved", "Location", elsewhere.URL+"/canary-path?token=canary"))
		_, err := open(t, "url: "+r.URL+"\ntoken: canary-token").Deliver(t.Context(), results("1"))
		wantError(t, err, sink.Again, "to "+elsewhere.URL+"; redirects are not followed", "final address")
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("it shows %v", err)
		}
	}
	if got := elsewhere.requests(); len(got) > 0 {
		t.Errorf("somebody else got %v", got)
	}
	for _, location := range []string{"", "/login", "::not a url", "http://%zz"} {
		r := listen(t, says(302, "", "Location", location))
		_, err := open(t, "url: "+r.URL).Deliver(t.Context(), results("1"))
		wantError(t, err, sink.Again, "302 Found; redirects are not followed")
	}
}

func TestWhatTheServerSaysIsToldInShort(t *testing.T) {
	for said, want := range map[string]string{
		"invalid_payload":                     ": 400 Bad Request: invalid_payload",
		"{\n  \"error\":\t\"no such field\"}": `: { "error": "no such field"}`,
		"\x1b[31mred\x00\xff\u202e":           ": [31mred \uFFFD",
		"":                                    ": 400 Bad Request",
		strings.Repeat("words ", 20_000):      "words words…",
		strings.Repeat("ö", 100_000):          strings.Repeat("ö", 199) + "…",
	} {
		r := listen(t, says(400, said))
		_, err := open(t, "url: "+r.URL).Deliver(t.Context(), results("1"))
		text := err.Error()
		if !strings.Contains(text, strings.TrimSuffix(want, "words…")) || utf8.RuneCountInString(text) > 300 {
			t.Errorf("%.40q became %q", said, text)
		}
	}
}

func TestAnAnswerWithoutEndIsNotReadToItsEnd(t *testing.T) {
	for code, status := range map[int]string{200: "", 500: "500 Internal Server Error: never enough."} {
		written := make(chan int, 1)
		r := listen(t, func(w http.ResponseWriter, _ request) {
			w.WriteHeader(code)
			block, n := bytes.Repeat([]byte("never enough. "), 1<<10), 0
			for {
				more, err := w.Write(block)
				if n += more; err != nil { // nobody reads any more
					written <- n
					return
				}
			}
		})
		taken, err := open(t, "url: "+r.URL).Deliver(t.Context(), results("1"))
		if code == 200 && (err != nil || taken != 1) {
			t.Errorf("took %d: %v", taken, err)
		}
		if status != "" {
			wantError(t, err, sink.Again, status)
		}
		if n := <-written; n > 32<<20 { // the kernel's buffers take some megabytes
			t.Errorf("it read %d bytes", n)
		}
	}
}

func TestHeadersWithoutEnd(t *testing.T) {
	r := listen(t, func(w http.ResponseWriter, _ request) {
		for i := range 1000 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
		}
	})
	_, err := open(t, "url: "+r.URL).Deliver(t.Context(), results("1"))
	wantError(t, err, sink.Again, "exceeded")
}
