package overshoot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// script is a transport that answers from a list, then 404 for ever. It works under
// synctest, where a real server would not.
type script struct {
	answers []scripted
	seen    []string // "METHOD path key" of each request
}

type scripted struct {
	status  int
	body    string
	headers string // "Name: value", lines
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.seen = append(s.seen, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	next := scripted{status: http.StatusNotFound}
	if len(s.answers) > 0 {
		next, s.answers = s.answers[0], s.answers[1:]
	}
	header := http.Header{}
	for line := range strings.Lines(next.headers) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		header.Set(name, value)
	}
	return &http.Response{StatusCode: next.status, Header: header, Body: io.NopCloser(strings.NewReader(next.body))}, nil
}

// scriptedClient returns a client of the script whose key is what the pointer says.
func scriptedClient(t *testing.T, s *script, key *string) *overshoot.Client {
	t.Helper()
	client, err := overshoot.New(overshoot.Options{
		BaseURL: "https://api.example.test", Transport: s,
		Key: func() (string, error) { return *key, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func asError(t *testing.T, err error) *overshoot.Error {
	t.Helper()
	e, ok := errors.AsType[*overshoot.Error](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	return e
}

var operations = map[overshoot.Op]func(context.Context, *overshoot.Client) error{
	overshoot.OpCreate: func(ctx context.Context, c *overshoot.Client) error { _, err := c.Create(ctx); return err },
	overshoot.OpKeepalive: func(ctx context.Context, c *overshoot.Client) error {
		_, err := c.Keepalive(ctx, streamID, "")
		return err
	},
	overshoot.OpGet:    func(ctx context.Context, c *overshoot.Client) error { _, err := c.Get(ctx, streamID, ""); return err },
	overshoot.OpDelete: func(ctx context.Context, c *overshoot.Client) error { return c.Delete(ctx, streamID, "") },
	overshoot.OpChat: func(ctx context.Context, c *overshoot.Client) error {
		_, err := c.Chat(ctx, "", question())
		return err
	},
	overshoot.OpModels:  func(ctx context.Context, c *overshoot.Client) error { _, err := c.Models(ctx); return err },
	overshoot.OpPricing: func(ctx context.Context, c *overshoot.Client) error { _, err := c.Pricing(ctx); return err },
	overshoot.OpBalance: func(ctx context.Context, c *overshoot.Client) error { _, err := c.Balance(ctx); return err },
}

// For every form of Retry-After: not one request before the time is over, and the
// first one after it goes out. The clock of the bubble stands at the year 2000.
func TestNothingIsSentBeforeRetryAfter(t *testing.T) {
	for retryAfter, want := range map[string]time.Duration{
		"Retry-After: 0":    time.Second,
		"Retry-After: 3":    3 * time.Second,
		"Retry-After: 3600": 5 * time.Minute,
		"Retry-After: soon": time.Second,
		"":                  time.Second,
		"Retry-After: Tue, 10 Nov 2026 08:00:30 GMT\nDate: Tue, 10 Nov 2026 08:00:00 GMT": 30 * time.Second,
		"Retry-After: Tue, 10 Nov 2026 08:00:30 GMT\nDate: Wed, 10 Nov 2027 08:00:00 GMT": time.Second,
		"Retry-After: Sat, 01 Jan 2000 00:00:20 GMT":                                      20 * time.Second, // by our clock
		"Retry-After: Tue, 10 Nov 2026 08:00:30 GMT\nDate: soon":                          5 * time.Minute,
		"Retry-After: Fri, 01 Jan 1999 00:00:00 GMT":                                      time.Second,
	} {
		for op, call := range operations {
			if op == overshoot.OpDelete {
				continue
			}
			t.Run(fmt.Sprint(op, " ", retryAfter), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					key := testKey
					s := &script{answers: []scripted{{429, `{"detail":"slow down"}`, retryAfter}}}
					client := scriptedClient(t, s, &key)
					if e := asError(t, call(t.Context(), client)); e.Held || e.Delay() != want {
						t.Fatalf("the 429 itself: held %v, delay %v", e.Held, e.Delay())
					}
					for _, later := range []time.Duration{0, want / 2, want - time.Millisecond} {
						time.Sleep(later - time.Since(epoch))
						e := asError(t, call(t.Context(), client))
						if !e.Held || e.Status != 429 || e.Op != op || e.Kind() != overshoot.KindRateLimited || e.OutcomeUnknown() {
							t.Errorf("after %v: %#v", later, e)
						}
						if rest := want - later; e.RetryAfter != rest || e.Delay() != max(rest, time.Second) {
							t.Errorf("after %v: %v left, delay %v, want %v", later, e.RetryAfter, e.Delay(), rest)
						}
					}
					if len(s.seen) != 1 {
						t.Errorf("%d requests before the time was over", len(s.seen))
					}
					time.Sleep(time.Millisecond)
					call(t.Context(), client)
					if len(s.seen) < 2 {
						t.Error("no request after the time was over")
					}
				})
			})
		}
	}
}

// epoch is the moment at which every bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestAPauseIsForOneSortOfCall(t *testing.T) {
	for limited, call := range operations {
		t.Run(string(limited), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key := testKey
				client := scriptedClient(t, &script{answers: []scripted{{429, "", "Retry-After: 60"}}}, &key)
				call(t.Context(), client)
				for op, other := range operations {
					want := op == limited && op != overshoot.OpDelete
					e, _ := errors.AsType[*overshoot.Error](other(t.Context(), client))
					if got := e != nil && e.Held; got != want {
						t.Errorf("%s held: %v", op, got)
					}
				}
			})
		})
	}
}

// A provider that is busy holds up the questions to its model, not those to others.
func TestAProvidersPauseIsForItsModel(t *testing.T) {
	for body, wantOther := range map[string]bool{
		`{"detail":{"error":{"code":"upstream_http_429","upstream":{"status":429}}}}`: false,
		`{"detail":{"error":{"code":"rate_limited"}}}`:                                true,
	} {
		synctest.Test(t, func(t *testing.T) {
			key := testKey
			client := scriptedClient(t, &script{answers: []scripted{{429, body, "Retry-After: 60"}}}, &key)
			ask, other := question(), question()
			other.Model = "another/model"
			client.Chat(t.Context(), "", ask)
			_, err := client.Chat(t.Context(), "", ask)
			_, otherErr := client.Chat(t.Context(), "", other)
			if !asError(t, err).Held || asError(t, otherErr).Held != wantOther {
				t.Errorf("%s:\nsame model: %v\nother model: %v", body, err, otherErr)
			}
		})
	}
}

// Two answers that cross do not shorten the pause, and a key that took the place of
// another has limits of its own.
func TestTheLongestPauseOfTheKeyHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := testKey
		answers := make(chan scripted)
		client, err := overshoot.New(overshoot.Options{
			BaseURL: "https://api.example.test",
			Key:     func() (string, error) { return key, nil },
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				return (&script{answers: []scripted{<-answers}}).RoundTrip(r)
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			go client.Create(t.Context())
		}
		synctest.Wait()
		answers <- scripted{429, "", "Retry-After: 60"}
		synctest.Wait()
		answers <- scripted{429, "", "Retry-After: 2"}
		synctest.Wait()
		_, err = client.Create(t.Context())
		if e := asError(t, err); !e.Held || e.Delay() != time.Minute {
			t.Errorf("held %v for %v", e.Held, e.Delay())
		}
		key = "ovs-another-account"
		go client.Create(t.Context())
		synctest.Wait()
		answers <- scripted{201, created, ""} // somebody takes it: the request went out
	})
}

func TestHeldErrorsSayWhy(t *testing.T) {
	key := testKey
	client := scriptedClient(t, &script{answers: []scripted{{429, `{"detail":"slow down"}`, "Retry-After: 60"}}}, &key)
	client.Create(t.Context())
	_, err := client.Create(t.Context())
	const want = "overshoot: create: 429 rate_limited: slow down: not sent, as the service asked for a pause"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// Which status says that a key has its fill of streams is an open question.
func TestFullKeys(t *testing.T) {
	for text, full := range map[string]bool{
		"concurrent stream limit reached":                     true,
		"Too many active streams":                             true,
		"quota exceeded for this key":                         true,
		"you have reached the maximum of 5 streams":           true,
		"error stream_limit_exceeded":                         true,
		"max_streams reached":                                 true,
		"key has no user":                                     false,
		"draining":                                            false,
		"access is limited to members, unlimited plan needed": false,
		"": false,
	} {
		for _, status := range []int{403, 503} {
			plain := map[int]overshoot.Kind{403: overshoot.KindForbidden, 503: overshoot.KindUnavailable}[status]
			client := answering(t, status, fmt.Sprintf(`{"detail":%q}`, text), "Retry-After", "7")
			_, err := client.Create(t.Context())
			e := asError(t, err)
			want, action := plain, map[int]overshoot.Action{403: overshoot.ActionStop, 503: overshoot.ActionRetry}[status]
			if full {
				want, action = overshoot.KindRateLimited, overshoot.ActionRetry
			}
			if e.Kind() != want || e.Action() != action || e.Delay() != 7*time.Second || e.OutcomeUnknown() || e.Status != status {
				t.Errorf("create, %d %q: %s, %s", status, text, e.Kind(), e.Action())
			}
			_, again := client.Create(t.Context())
			if asError(t, again).Held != full {
				t.Errorf("create again, %d %q: %v", status, text, again)
			}
			if _, err := client.Get(t.Context(), streamID, ""); overshoot.KindOf(err) != plain {
				t.Errorf("get, %d %q: %v", status, text, err)
			}
		}
	}
	code := answering(t, 403, `{"detail":{"error":{"code":"stream_limit_reached","message":"no"}}}`)
	if _, err := code.Create(t.Context()); overshoot.KindOf(err) != overshoot.KindRateLimited {
		t.Errorf("by the code alone: %v", err)
	}
}
