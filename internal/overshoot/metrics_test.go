package overshoot_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func TestMetrics(t *testing.T) {
	answers := []struct {
		status int
		body   string
	}{
		{201, created},
		{500, ""},
		{200, "not JSON"},
		{418, ""},
		{599, ""},
		{999, ""},
		{409, plainRegion},
		{201, created},
		{429, ""},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answers[0].status)
		io.WriteString(w, answers[0].body)
		answers = answers[1:]
	}))
	defer server.Close()
	registry := prometheus.NewPedanticRegistry()
	metrics := overshoot.NewMetrics(registry)
	options := overshoot.Options{
		BaseURL: server.URL, Metrics: metrics,
		Key: func() (string, error) { return testKey, nil },
	}
	client, err := overshoot.New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for len(answers) > 0 {
		client.Create(t.Context())
	}
	client.Create(t.Context()) // held
	options.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("cable is out") })
	offline, err := overshoot.New(options)
	if err != nil {
		t.Fatal(err)
	}
	offline.Models(t.Context())

	err = testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP overshoot_agent_api_requests_held_total Requests not sent because the Overshoot API had asked for a pause that was not over, by call.
# TYPE overshoot_agent_api_requests_held_total counter
overshoot_agent_api_requests_held_total{op="create"} 1
# HELP overshoot_agent_api_requests_total Requests sent to the Overshoot API, by call and by HTTP status or, without a usable answer, by reason.
# TYPE overshoot_agent_api_requests_total counter
overshoot_agent_api_requests_total{code="201",op="create"} 2
overshoot_agent_api_requests_total{code="409",op="create"} 1
overshoot_agent_api_requests_total{code="429",op="create"} 1
overshoot_agent_api_requests_total{code="4xx",op="create"} 1
overshoot_agent_api_requests_total{code="500",op="create"} 1
overshoot_agent_api_requests_total{code="5xx",op="create"} 1
overshoot_agent_api_requests_total{code="malformed",op="create"} 1
overshoot_agent_api_requests_total{code="network",op="models"} 1
overshoot_agent_api_requests_total{code="other",op="create"} 1
`), "overshoot_agent_api_requests_total", "overshoot_agent_api_requests_held_total")
	if err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "overshoot_agent_api_request_seconds"); n != 2 || err != nil {
		t.Errorf("%d histograms, %v; want one per call used", n, err)
	}
}
