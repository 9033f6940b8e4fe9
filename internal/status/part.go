package status

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// A Part is one thing that runs by itself and has a state. It is usually told by one goroutine; any may look.
type Part struct {
	unit  string
	kind  Kind
	log   *zap.Logger
	gauge *prometheus.GaugeVec

	mu       sync.Mutex
	view     View
	failures int       // since things last went well
	failing  time.Time // since when
}

// A View is what there is to see of a part.
type View struct {
	State  string            `json:"state"`
	Since  time.Time         `json:"since"`
	Error  string            `json:"error,omitempty"`  // the newest, gone when the part is well again
	Detail map[string]string `json:"detail,omitempty"` // facts worth showing, such as a stream's id
}

// Set moves the part to state, which must be one of its kind's; err says why when that is bad news. A change is logged; the same error
// again is not, but counted, and the count is told when things go well again.
func (p *Part) Set(state string, err error) {
	if !slices.Contains(p.kind.States, state) {
		panic("status: " + p.kind.Name + " has no state " + state)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	from, text := p.view.State, ""
	if err != nil {
		text = err.Error()
	}
	news := from != state || (text != "" && text != p.view.Error)
	if from != state {
		p.gauge.WithLabelValues(p.unit, p.kind.Name, from).Set(0)
		p.gauge.WithLabelValues(p.unit, p.kind.Name, state).Set(1)
		p.view.State, p.view.Since = state, time.Now()
	}
	if err != nil {
		p.fail(state, text, news)
		return
	}
	if news {
		log := p.log.Info
		if p.failures > 0 {
			log = p.log.Debug // another try; that it failed was said, and that it goes well again will be
		}
		log("state changed", zap.String("state", state), zap.String("from", from))
	}
}

// fail counts a failure and logs it unless it is the one that was logged last.
func (p *Part) fail(state, text string, news bool) {
	if p.failures == 0 {
		p.failing = time.Now()
	}
	p.failures++
	repeated := p.view.Error == text
	p.view.Error = text
	if news && !repeated {
		p.log.Warn("trouble", zap.String("state", state), zap.String("error", text))
	}
}

// Well tells that the part does its work. After trouble it logs one line that says how long it took.
func (p *Part) Well() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failures == 0 {
		return
	}
	p.log.Info("recovered", zap.Int("failures", p.failures), zap.Duration("after", time.Since(p.failing).Round(time.Millisecond)))
	p.failures, p.view.Error = 0, ""
}

// Detail shows a fact beside the state; an empty value takes it away.
func (p *Part) Detail(key, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	detail := make(map[string]string, len(p.view.Detail)+1) // a new map, because views share the old one
	for k, v := range p.view.Detail {
		detail[k] = v
	}
	if detail[key] = value; value == "" {
		delete(detail, key)
	}
	p.view.Detail = detail
}

// View returns what there is to see now.
func (p *Part) View() View {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view
}
