package overshoot_test

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func TestModels(t *testing.T) {
	for name, body := range map[string]string{
		"object": `{"object":"list","data":[
			{"id":"google/gemma-4-26B-A4B-it","object":"model","created":1780000000,"owned_by":"overshoot","status":"ready"},
			{"id":"Qwen/Qwen3.6-27B-FP8","status":"unavailable"},{"id":"half","status":"degraded"},
			{"id":"booting","status":"loading"},{"id":"silent"},{"status":"ready"},"noise",null]}`,
		"array": `[{"model":"google/gemma-4-26B-A4B-it","ready":true,"status":"ready"},
			{"model":"Qwen/Qwen3.6-27B-FP8","ready":false,"status":"unavailable"},{"model":"half","ready":true,"status":"degraded"},
			{"model":"booting","status":"loading"},{"model":"silent","ready":true},{"ready":true},7]`,
	} {
		t.Run(name, func(t *testing.T) {
			models, err := answering(t, 200, body).Models(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := []overshoot.Model{
				{ID: "google/gemma-4-26B-A4B-it", Status: "ready"},
				{ID: "Qwen/Qwen3.6-27B-FP8", Status: "unavailable"},
				{ID: "half", Status: "degraded"},
				{ID: "booting", Status: "loading"},
				{ID: "silent"},
			}
			if !slices.Equal(models, want) {
				t.Errorf("got  %+v\nwant %+v", models, want)
			}
			var usable []string
			for _, m := range models {
				if m.Usable() {
					usable = append(usable, m.ID)
				}
			}
			if !slices.Equal(usable, []string{"google/gemma-4-26B-A4B-it", "half"}) {
				t.Errorf("usable are %v", usable)
			}
		})
	}
}

func TestListsThatAreNoListOfModels(t *testing.T) {
	for _, body := range []string{`{}`, `{"data":null}`, `{"data":{}}`, `null`, `"ready"`, ``, `[`} {
		_, err := answering(t, 200, body).Models(t.Context())
		wantKind(t, err, overshoot.KindMalformed)
	}
	for _, body := range []string{`[]`, `{"data":[]}`} {
		if models, err := answering(t, 200, body).Models(t.Context()); err != nil || len(models) != 0 {
			t.Errorf("%s gives %v, %v", body, models, err)
		}
	}
}

func TestOpenListsAreAskedWithoutTheKeyFirst(t *testing.T) {
	for name, call := range map[string]func(*overshoot.Client) error{
		"models":  func(c *overshoot.Client) error { _, err := c.Models(t.Context()); return err },
		"pricing": func(c *overshoot.Client) error { _, err := c.Pricing(t.Context()); return err },
	} {
		for _, locked := range []bool{false, true} {
			var seen []string
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				key := r.Header.Get("Authorization")
				seen = append(seen, key)
				if locked && key == "" {
					w.WriteHeader(http.StatusUnauthorized)
				}
				io.WriteString(w, `[]`)
			})
			if err := call(client); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			want := []string{""}
			if locked {
				want = append(want, "Bearer "+testKey)
			}
			if !slices.Equal(seen, want) {
				t.Errorf("%s, locked %v: sent the keys %q, want %q", name, locked, seen, want)
			}
		}
	}
}

func TestBilling(t *testing.T) {
	balance, err := answering(t, 200, `{"user_id":"u","balance_microcents":512345678,"balance_cents":512}`).Balance(t.Context())
	if err != nil || balance != 512345678 {
		t.Errorf("balance is %d, %v", balance, err)
	}
	_, err = answering(t, 200, `{"balance_microcents":null}`).Balance(t.Context())
	wantKind(t, err, overshoot.KindMalformed)

	prices, err := answering(t, 200, `[
		{"model":"a/b","version":"2026-06-01","input_microcents_per_token":11,"output_microcents_per_token":44,"cached_input_microcents_per_token":3},
		{"model":"c","input_microcents_per_token":10,"output_microcents_per_token":40,"cached_input_microcents_per_token":null},
		{"model":"no price"},{"input_microcents_per_token":1,"output_microcents_per_token":1}]`).Pricing(t.Context())
	want := []overshoot.Price{
		{Model: "a/b", Version: "2026-06-01", Input: 11, Output: 44, Cached: 3},
		{Model: "c", Input: 10, Output: 40, Cached: 10},
	}
	if err != nil || !slices.Equal(prices, want) {
		t.Errorf("prices are %+v, %v", prices, err)
	}
}
