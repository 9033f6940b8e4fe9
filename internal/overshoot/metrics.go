package overshoot

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "overshoot_agent"

// Metrics counts the requests of all clients it is given to.
type Metrics struct {
	requests *prometheus.CounterVec
	held     *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already, as that is a mistake in wiring.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "api", Name: "requests_total",
			Help: "Requests sent to the Overshoot API, by call and by HTTP status or, without a usable answer, by reason.",
		}, []string{"op", "code"}),
		held: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "api", Name: "requests_held_total",
			Help: "Requests not sent because the Overshoot API had asked for a pause that was not over, by call.",
		}, []string{"op"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "api", Name: "request_seconds",
			Help:    "Time from sending a request to the Overshoot API until its answer was read or given up, by call.",
			Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
		}, []string{"op"}),
	}
	registerer.MustRegister(m.requests, m.held, m.seconds)
	return m
}

func (m *Metrics) observe(op Op, code string, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(string(op), code).Inc()
	m.seconds.WithLabelValues(string(op)).Observe(took.Seconds())
}

func (m *Metrics) hold(op Op) {
	if m == nil {
		return
	}
	m.held.WithLabelValues(string(op)).Inc()
}

// outcome is the code label: the status where it tells what happened, else the
// kind of the error. The service chooses the status, so those that its contract
// does not know share one label per class.
func outcome(status int, err error) string {
	if status == 0 || status/100 == 2 && err != nil {
		return string(KindOf(err))
	}
	switch status {
	case 200, 201, 204, 400, 401, 402, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504:
		return strconv.Itoa(status)
	}
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status/100) + "xx"
}
