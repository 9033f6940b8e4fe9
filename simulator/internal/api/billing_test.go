package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

const gemma = "google/gemma-4-26B-A4B-it"

func TestModelsInAllShapes(t *testing.T) {
	b := newBench(t, map[string]string{switches.ModelsUnavailable: gemma + ",gpt-5.4-mini", switches.ExtraFields: "off"})
	unavailable := `{"id":"` + gemma + `","object":"model","created":1780000000,"owned_by":"google","status":"unavailable"}`
	for shape, check := range map[string]func(string) bool{
		"v1beta": func(s string) bool { return strings.Contains(s, `"object":"list"`) && strings.Contains(s, unavailable) },
		"v1":     func(s string) bool { return !strings.Contains(s, gemma) && strings.Contains(s, `"loading"`) },
		"v0.2": func(s string) bool {
			return strings.HasPrefix(s, `[{"model":"`+gemma+`","ready":false,"status":"unavailable"}`)
		},
		"no-status": func(s string) bool { return strings.Contains(s, gemma) && !strings.Contains(s, "status") },
	} {
		b.set(map[string]string{switches.ModelsShape: shape})
		if a := b.call(http.MethodGet, "/v1beta/models", "", "Authorization", ""); a.status != 200 || !check(a.text) {
			t.Errorf("%s: %d %s", shape, a.status, a.text)
		}
	}
}

func TestPricing(t *testing.T) {
	b := newBench(t, nil)
	if a := b.call(http.MethodGet, "/billing/pricing", "", "Authorization", ""); a.status != 200 || !strings.HasPrefix(a.text, `[{"id":"`) {
		t.Errorf("list: %d %s", a.status, a.text)
	}
	for _, model := range []string{gemma, strings.ReplaceAll(gemma, "/", "%2F")} {
		if a := b.call(http.MethodGet, "/billing/pricing/"+model, "", "Authorization", ""); a.status != 200 || a.json["model"] != gemma || a.json["input_microcents_per_token"] != 11.0 {
			t.Errorf("%s: %d %s", model, a.status, a.text)
		}
	}
	if a := b.call(http.MethodGet, "/billing/pricing/no/such", ""); a.status != 404 || !hasPlainDetail(a) {
		t.Errorf("unknown: %d %s", a.status, a.text)
	}
}

func TestBalanceAndCheckout(t *testing.T) {
	b := newBench(t, nil)
	left := int64(512_345_678)
	if err := b.keys.Update("main", account.Change{BalanceMicrocents: &left}); err != nil {
		t.Fatal(err)
	}
	if a := b.call(http.MethodGet, "/billing/accounts/me/balance", ""); a.status != 200 || a.json["balance_microcents"] != 512345678.0 || a.json["balance_cents"] != 512.0 {
		t.Errorf("balance: %d %s", a.status, a.text)
	}
	if a := b.call(http.MethodGet, "/billing/accounts/me/balance", "", "Authorization", ""); a.status != 401 {
		t.Errorf("balance without key: %d", a.status)
	}
	for body, want := range map[string]int{`{"amount_cents":100}`: 200, `{"amount_cents":99}`: 422, ``: 422} {
		a := b.call(http.MethodPost, "/billing/checkout", body)
		if a.status != want || (want == 422 && a.json["error"] != "validation_error") || b.last().Op != "checkout" {
			t.Errorf("checkout %s: %d %s", body, a.status, a.text)
		}
	}
}

func TestHealth(t *testing.T) {
	b := newBench(t, nil)
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := b.call(http.MethodGet, path, "", "Authorization", ""); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}
