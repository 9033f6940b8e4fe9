// Package mqtt is the sink that publishes results to an MQTT 5 broker, each as a CloudEvent. Beside them it keeps retained messages up to
// date: whether the agent and its cameras are there, the last value of each watch and, where wanted, what Home Assistant needs to find them.
//
// The library's automatic client (autopaho) is not used: it can send messages in order or tell which were acknowledged, not both, and
// it has a queue and a will of its own. Here each connection is a client of its own with an empty session.
package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"go.uber.org/zap"
)

// farewell bounds how long Close says goodbye.
const farewell = time.Second

// Options are what a sink needs beside its settings.
type Options struct {
	Agent     string // the agent's name
	Version   string // of the agent, shown in Home Assistant
	Inventory Inventory
	Log       *zap.Logger
}

// Sink publishes to one broker.
type Sink struct {
	settings Config
	options  Options
	clientID string
	topics   topics
	secrets  secret.Scrubber // knows what of the settings must not stand in an error
	jitter   func() time.Duration

	start   sync.Once
	stop    context.CancelFunc
	running context.Context
	ended   chan struct{}
	changed chan struct{} // rings when retained messages may have to be sent

	ever map[string]bool // topics that were ever told something; belongs to the goroutine of Start

	suspect string // id of the result that was refused last

	mu      sync.Mutex
	link    *link         // the connection; nil while there is none
	outcome chan struct{} // closed when the next attempt to connect has ended
	failure error         // of the last attempt
	hurry   chan struct{} // a token ends the pause before the next attempt
	values  map[valueKey]value
}

// New returns the sink for settings that come from Decode. Nothing is opened before Start or the first delivery.
func New(c Config, o Options) *Sink {
	running, stop := context.WithCancel(context.Background())
	clientID, _ := Topic(c.ClientID).fill(o.Agent, "", "")
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &Sink{
		settings: c, options: o, clientID: clientID, topics: newTopics(c, o.Agent), running: running, stop: stop,
		jitter: func() time.Duration { return rand.N(10 * time.Second) },
		ended:  make(chan struct{}), changed: make(chan struct{}, 1), hurry: make(chan struct{}, 1), outcome: make(chan struct{}),
		values: map[valueKey]value{}, ever: map[string]bool{},
	}
	s.secrets.Add(c.secrets()...)
	return s
}

// Start connects, so that the others see the agent before its first result. Calling it again does nothing.
func (s *Sink) Start() {
	s.start.Do(func() {
		go func() {
			defer close(s.ended)
			for s.running.Err() == nil {
				err := guard.Run(func() error { return s.stayConnected(s.running) })
				if guard.Panicked(err) {
					s.options.Log.Error("the connection to the broker panicked", zap.Error(s.secrets.Error(err)))
					s.settle(nil, errors.New("a mistake in the agent: the connection panicked, the log says where"))
				}
			}
		}()
	})
}

// Changed tells that the inventory is not what it was. It returns at once.
func (s *Sink) Changed() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Deliver implements sink.Sink. It sends without waiting in between, and what the broker has acknowledged counts as taken; at QoS 0,
// what was sent.
func (s *Sink) Deliver(ctx context.Context, batch []result.Result) (taken int, err error) {
	s.Start()
	l, err := s.connection(ctx)
	for taken < len(batch) && err == nil {
		next := batch[taken:]
		if next[0].ID == s.suspect {
			next = next[:1] // alone, so that its neighbours are not sent over and over with it
		}
		var n int
		n, err = s.publish(ctx, l, next)
		taken += n
	}
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return taken, err
	}
	return taken, s.clean(err)
}

// publish sends results in order, then waits for what the broker says.
func (s *Sink) publish(ctx context.Context, l *link, batch []result.Result) (taken int, err error) {
	defer context.AfterFunc(ctx, l.wire.interrupt)()
	var sent []receipt
	for _, r := range batch {
		m, failure := s.message(r)
		var got receipt
		if failure == nil {
			got, failure = l.send(ctx, m)
		}
		if err = failure; err != nil {
			break
		}
		sent = append(sent, got)
	}
	for i, r := range sent {
		if failure := r.wait(ctx); failure != nil {
			err = failure
			break
		}
		s.remember(batch[i])
		taken++
	}
	if e, ok := errors.AsType[*sink.Error](err); ok && e.Kind == sink.Refused {
		s.suspect = batch[taken].ID
	}
	return taken, err
}

// message returns what is published of a result.
func (s *Sink) message(r result.Result) (message, error) {
	topic, err := s.settings.Topic.Name(r.Agent, r.Camera, r.Watch)
	if err != nil {
		return message{}, &sink.Error{Kind: sink.Refused, Final: true, Err: fmt.Errorf("the topic of the result: %w", err)}
	}
	text, err := r.MarshalJSON()
	if err != nil {
		return message{}, &sink.Error{Kind: sink.Refused, Final: true, Err: errors.New("the answer of the result is no JSON")}
	}
	return message{
		topic: topic, payload: text, qos: byte(s.settings.QoS), retain: s.settings.Retain, contentType: cloudEvent,
		expiry: uint32(time.Duration(s.settings.Expiry) / time.Second),
	}, nil
}

// cloudEvent is the content type of a CloudEvent in structured mode (CloudEvents MQTT binding 1.0 §3.2).
const cloudEvent = "application/cloudevents+json; charset=utf-8"

// clean makes an error fit to be shown: it says which broker it is about and holds no secrets.
func (s *Sink) clean(err error) error {
	if err == nil {
		return nil
	}
	text := s.settings.place() + ": " + s.secrets.Scrub(err.Error())
	if e, ok := errors.AsType[*sink.Error](err); ok {
		return &sink.Error{Kind: e.Kind, Final: e.Final, RetryAfter: e.RetryAfter, Err: errors.New(text)}
	}
	return &sink.Error{Kind: sink.Again, Err: errors.New(text)}
}

// Close implements sink.Sink. It says goodbye for a second at most; when the broker does not answer, its will says so.
func (s *Sink) Close() error {
	s.start.Do(func() { close(s.ended) }) // never started: nothing to end
	s.stop()
	select {
	case <-s.ended:
	case <-time.After(2 * farewell): // a dial or a dead connection; it ends by itself
	}
	return nil
}
