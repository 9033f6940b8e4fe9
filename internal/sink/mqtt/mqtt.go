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
	Name      string // the sink's
	Version   string // of the agent, shown in Home Assistant
	Inventory Inventory
	Log       *zap.Logger
}

// Sink publishes to one broker.
type Sink struct {
	settings  Config
	options   Options
	clientID  string
	keepAlive uint16 // seconds
	topics    topics
	secrets   secret.Scrubber // knows what of the settings must not stand in an error
	jitter    func() time.Duration

	start   sync.Once
	stop    context.CancelFunc
	running context.Context
	ended   chan struct{}
	contact contact

	suspect string // id of the result that was refused last; belongs to who delivers

	news  chan struct{} // gets a token when there is a new last value; buffered
	store store         // of last values

	// What belongs to the goroutine of Start.
	ever      map[string]bool              // topics that were ever told something, or found
	described map[string]description       // by camera
	entitled  map[string]map[string]string // the platforms of all entities ever described, by topic and key
	trouble   string                       // why there is no connection, as it was logged; "" while there is one
	entered   bool                         // there was one
	modest    bool                         // the broker takes no will that it has to keep or to acknowledge
	hushed    bool                         // the broker does not bear what we retain
}

// New returns the sink for settings that come from Decode. Nothing is opened before Start or the first delivery.
func New(c Config, o Options) *Sink {
	running, stop := context.WithCancel(context.Background())
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &Sink{
		settings: c, options: o, clientID: c.clientID(o.Agent, o.Name), keepAlive: keepAlive, topics: newTopics(c, o.Agent),
		running: running, stop: stop, jitter: func() time.Duration { return rand.N(10 * time.Second) },
		ended: make(chan struct{}), contact: newContact(), news: make(chan struct{}, 1), store: store{values: map[valueKey]value{}},
		ever: map[string]bool{}, described: map[string]description{}, entitled: map[string]map[string]string{},
	}
	s.secrets.Add(c.secrets()...)
	return s
}

// Start connects, so that the others see the agent before its first result. Calling it again does nothing.
func (s *Sink) Start() { s.start.Do(func() { go s.run() }) }

// Deliver implements sink.Sink. It sends without waiting in between, and what the broker has acknowledged counts as taken; at QoS 0,
// what was sent.
func (s *Sink) Deliver(ctx context.Context, batch []result.Result) (taken int, err error) {
	if len(batch) == 0 {
		return 0, nil
	}
	s.Start()
	l, err := s.contact.wait(ctx, s.running.Done())
	for taken < len(batch) && err == nil {
		next := batch[taken:]
		if next[0].ID == s.suspect {
			next = next[:1] // alone, so that its neighbours are not sent over and over with it
		}
		var n int
		n, err = s.publish(ctx, l, next)
		taken += n
	}
	if err != nil && ctx.Err() != nil && !isRefusal(err) {
		return taken, context.Cause(ctx)
	}
	return taken, s.clean(err)
}

// publish sends results in order, then waits for what the broker says.
func (s *Sink) publish(ctx context.Context, l *link, batch []result.Result) (taken int, err error) {
	defer context.AfterFunc(ctx, l.wire.interrupt)()
	var sent []flight
	for _, r := range batch {
		m, failure := s.message(r)
		var got receipt
		if failure == nil {
			got, failure = l.send(ctx, m)
		}
		if err = failure; err != nil {
			break
		}
		sent = append(sent, flight{got, m.payload})
	}
	taken, failure := s.settle(ctx, batch, sent)
	if failure != nil {
		err = failure
	}
	if l.over() {
		s.contact.lost(l) // the next delivery is to wait for another one
		err = l.blame(err)
	}
	if e, ok := errors.AsType[*sink.Error](err); ok && e.Kind == sink.Refused {
		s.suspect = batch[taken].ID
	}
	return taken, err
}

// flight is a result on its way.
type flight struct {
	receipt
	text []byte
}

// settle waits for what the broker says about results, and returns how many from the front it has taken, and why not the next one. It waits for
// the others as well: what comes after this delivery must not overtake them.
func (s *Sink) settle(ctx context.Context, batch []result.Result, sent []flight) (taken int, err error) {
	for i, r := range sent {
		failure := r.wait(ctx)
		if err != nil {
			continue
		}
		if err = failure; err != nil {
			continue
		}
		if s.store.remember(batch[i], r.text) {
			ring(s.news)
		}
		taken++
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
