package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// An agent is a running overshoot-agent.
type agent struct {
	*process
	status int // port
}

// startAgent starts one with n cameras, each with one watch.
func startAgent(binary, folder string, s *cameras, n int, api *service, every time.Duration) (*agent, error) {
	a := &agent{status: freePort("tcp")}
	path := filepath.Join(folder, "agent.yaml")
	if err := os.WriteFile(path, []byte(a.config(folder, s, n, api, every)), 0o600); err != nil {
		return nil, err
	}
	var err error
	a.process, err = start(nil, binary, "run", "--config", path)
	return a, err
}

func (a *agent) config(folder string, s *cameras, n int, api *service, every time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "overshoot: {base_url: '%s', keys: [{name: main, key: ovs-figures, max_streams: %d}]}\ncameras:\n", api.URL, n)
	for i := range n {
		fmt.Fprintf(&b, "  - {name: cam-%d, source: '%s', watches: [look]}\n", i+1, s.url(i))
	}
	fmt.Fprintf(&b, "watches: {look: {prompt: 'What is there?', model: %s, every: %s, sinks: [results]}}\n", askedModel, every)
	fmt.Fprintf(&b, "sinks: {results: {type: file, path: '%s'}}\n", filepath.Join(folder, "results.jsonl"))
	fmt.Fprintf(&b, "status: {listen: '127.0.0.1:%d'}\nstate_dir: '%s'\n", a.status, filepath.Join(folder, "state"))
	return b.String()
}

// counts are what an agent says of itself.
type counts struct{ allocations, sent float64 }

func (a *agent) counts() (c counts, err error) {
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", a.status))
	if err != nil {
		return c, err
	}
	defer func() { _ = response.Body.Close() }()
	return readCounts(response.Body)
}

func readCounts(text io.Reader) (c counts, err error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return c, err
	}
	sum := func(name string) (total float64) {
		for _, m := range families[name].GetMetric() {
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		return total
	}
	c = counts{
		allocations: sum("go_memstats_mallocs_total"),
		sent:        sum("overshoot_agent_publish_packets_sent_total"),
	}
	if c.allocations == 0 || c.sent == 0 {
		return c, fmt.Errorf("the metrics lack some of what is needed: %+v", c)
	}
	return c, nil
}
