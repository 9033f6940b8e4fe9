package status_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

var (
	source = status.Kind{Name: "source", States: []string{"opening", "live", "failed"}}
	lease  = status.Kind{Name: "lease", States: []string{"idle", "active"}}
)

func newBoard() (*status.Board, *observer.ObservedLogs, *prometheus.Registry) {
	core, logs := observer.New(zap.InfoLevel)
	registry := prometheus.NewRegistry()
	return status.NewBoard(zap.New(core), registry), logs, registry
}

// states returns the series of the metric that are 1, and how many there are.
func states(t *testing.T, registry *prometheus.Registry) (ones string, all int) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var on []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all++
			if l := m.GetLabel(); m.GetGauge().GetValue() == 1 { // part, state, unit
				on = append(on, l[2].GetValue()+"."+l[0].GetValue()+"="+l[1].GetValue())
			}
		}
	}
	return strings.Join(on, " "), all
}

func TestTheMetricShowsExactlyOneStateOfEachPart(t *testing.T) {
	b, _, registry := newBoard()
	a := b.Add("a", source)
	b.Add("a", lease)
	b.Add("b", source)
	a.Set("live", nil)
	a.Set("failed", errors.New("x"))
	if got, n := states(t, registry); got != "a.lease=idle a.source=failed b.source=opening" || n != 8 {
		t.Errorf("%d series, on are %s", n, got)
	}
	b.Remove("a")
	if got, n := states(t, registry); got != "b.source=opening" || n != 3 {
		t.Errorf("after Remove: %d series, on are %s", n, got)
	}
	if units := b.Units(); len(units) != 1 || units[0].Name != "b" {
		t.Errorf("the board shows %+v", units)
	}
}

func TestTheSameTroubleIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, logs, _ := newBoard()
		p := b.Add("door", source)
		for range 50 {
			p.Set("opening", nil) // another try is no news
			p.Set("failed", errors.New("no route"))
			time.Sleep(time.Second)
		}
		p.Set("failed", errors.New("wrong password"))
		time.Sleep(10 * time.Second)
		p.Set("live", nil)
		p.Well()
		p.Well()
		p.Set("opening", nil)
		var got []string
		for _, e := range logs.All() {
			got = append(got, e.Level.String()+" "+e.Message)
			if c := e.ContextMap(); c["unit"] != "door" || c["part"] != "source" {
				t.Errorf("a line does not say whose it is: %v", c)
			}
		}
		if want := "warn trouble, warn trouble, info recovered, info state changed"; strings.Join(got, ", ") != want {
			t.Fatalf("logged %v, want %s", got, want)
		}
		if c := logs.All()[2].ContextMap(); c["failures"] != int64(51) || c["after"] != time.Minute {
			t.Errorf("recovered: %v", c)
		}
	})
}

func TestAnErrorStaysUntilThePartIsWell(t *testing.T) {
	b, _, _ := newBoard()
	p := b.Add("door", source)
	p.Set("failed", errors.New("no route"))
	p.Set("opening", nil)
	if got := p.View(); got.State != "opening" || got.Error != "no route" {
		t.Errorf("got %+v", got)
	}
	p.Well()
	if got := p.View(); got.Error != "" {
		t.Errorf("got %+v", got)
	}
}

func TestTheDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, _ := newBoard()
		start := time.Now()
		p := b.Add("yard", source)
		b.Add("door", lease)
		time.Sleep(time.Minute)
		p.Set("failed", errors.New("no route"))
		time.Sleep(time.Minute)
		p.Set("failed", errors.New("no route")) // since stays
		p.Detail("stream", "s-1")
		p.Detail("codec", "H.264")
		before := p.View()
		p.Detail("codec", "")
		text, err := json.Marshal(b.Units())
		if err != nil {
			t.Fatal(err)
		}
		want := `[{"name":"door","parts":{"lease":{"state":"idle","since":"` + start.Format(time.RFC3339) + `"}}},` +
			`{"name":"yard","parts":{"source":{"state":"failed","since":"` + start.Add(time.Minute).Format(time.RFC3339) + `",` +
			`"error":"no route","detail":{"stream":"s-1"}}}}]`
		if string(text) != want {
			t.Errorf("got  %s\nwant %s", text, want)
		}
		if before.Detail["codec"] != "H.264" {
			t.Error("a view changed after it was taken")
		}
	})
}

func TestSummaries(t *testing.T) {
	b, _, _ := newBoard()
	b.Add("a", source).Set("live", nil)
	b.Add("b", source).Set("live", nil)
	b.Add("c", source).Set("failed", errors.New("x"))
	b.Add("d", lease)
	if got := b.Line(source); got != "source: live 2, failed 1" {
		t.Errorf("got %q", got)
	}
	if !b.Any("source", "opening", "failed") || b.Any("source", "opening") || b.Any("lease", "live") || b.Any("sink", "idle") {
		t.Error("Any is wrong")
	}
}

func TestAStateThatDoesNotExistIsAMistake(t *testing.T) {
	b, _, _ := newBoard()
	p := b.Add("a", source)
	defer func() {
		if recover() == nil {
			t.Error("it was taken")
		}
	}()
	p.Set("sleeping", nil)
}
