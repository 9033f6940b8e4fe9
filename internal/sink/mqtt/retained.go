package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	// look is how often the inventory is looked at.
	look = time.Second
	// refresh is how often others are told when pictures came last, while nothing else changes.
	refresh = 30 * time.Second
)

// topics are those under which a sink keeps retained messages.
type topics struct {
	base      string
	discovery string // of Home Assistant: what its topics begin with; "" for none
	births    string // where Home Assistant says that it has started; "" for none
}

func newTopics(c Config, agent string) topics {
	base, _ := c.Base.Name(agent, "", "") // Decode has checked it
	t := topics{base: base}
	if c.Assistant {
		t.discovery, t.births = string(c.Discovery)+"/device/", string(c.Discovery)+"/status"
	}
	return t
}

func (t topics) agent() string               { return t.base + "/availability" }
func (t topics) camera(camera string) string { return t.base + "/" + level(camera) + "/availability" }
func (t topics) state(camera string) string  { return t.base + "/" + level(camera) + "/state" }
func (t topics) value(camera, watch string) string {
	return t.base + "/" + level(camera) + "/" + level(watch) + "/state"
}
func (t topics) config(object string) string { return t.discovery + object + "/config" }

// kept returns the filters of all of them, whatever the cameras are called.
func (t topics) kept() []string {
	all := []string{t.base + "/+/availability", t.base + "/+/state", t.base + "/+/+/state"}
	if t.discovery != "" {
		all = append(all, t.config("+"))
	}
	return all
}

// will is what the broker tells the others when we are gone.
func (s *Sink) will() message {
	w := message{topic: s.topics.agent(), payload: []byte("offline"), qos: 1, retain: true, ours: true}
	if s.modest {
		w.qos, w.retain = 0, false
	}
	return w
}

// board is what the broker keeps for us, by topic. What it keeps stays until it gets an empty message.
type board map[string][]byte

// serve keeps the retained messages up to date until ctx or the connection ends, and returns why. Deliveries may use the connection from the
// moment when all is told.
func (s *Sink) serve(ctx context.Context, l *link) error {
	t := &teller{sink: s, link: l, told: board{}}
	if err := t.look(ctx); err != nil {
		return s.hush(err)
	}
	s.contact.made(l)
	s.logEntry(l)
	looks := time.NewTicker(look)
	defer looks.Stop()
	rebirth := time.NewTimer(time.Hour)
	rebirth.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.lost:
			return l.why
		case <-l.birth:
			rebirth.Reset(s.jitter())
			continue
		case <-rebirth.C:
			t.forget(s.topics.discovery)
		case <-l.news:
			t.find()
		case <-s.news:
			t.due = time.Time{}
		case <-looks.C:
		}
		if err := t.look(ctx); err != nil {
			return s.hush(err)
		}
	}
}

// A teller tells the broker at the other end of one connection what it shall keep.
type teller struct {
	sink  *Sink
	link  *link
	told  board     // what was acknowledged
	shown []Camera  // the cameras of which that tells
	due   time.Time // when it is time to compare
}

// look looks at the inventory, and tells what has changed.
func (t *teller) look(ctx context.Context) error {
	cameras := t.sink.options.Inventory.Cameras()
	if time.Now().Before(t.due) && sameButSeen(cameras, t.shown) {
		return nil
	}
	t.due, t.shown = time.Now().Add(refresh), cameras
	return t.tell(ctx, t.sink.wanted(cameras))
}

// forget makes all topics that begin with prefix be told again.
func (t *teller) forget(prefix string) {
	maps.DeleteFunc(t.told, func(topic string, _ []byte) bool { return strings.HasPrefix(topic, prefix) })
	t.due = time.Time{}
}

// find notes retained messages of ours that the broker has. What is not wanted among them is taken back.
func (t *teller) find() {
	for topic, text := range t.link.finds() {
		t.sink.ever[topic] = true
		t.sink.recall(topic, text)
	}
	t.due = time.Time{}
}

// hush makes us say no more than that we are there, from the next connection on, when the broker has thrown us out for one of our retained
// messages: results are more important. It returns the error.
func (s *Sink) hush(err error) error {
	if away, ok := errors.AsType[awayError](err); ok && isPoison(away.code) && !s.hushed {
		s.hushed = true
		s.options.Log.Error("the broker does not bear the retained messages, which are left out from now on", zap.String("sink", s.options.Name), zap.Error(s.clean(err)))
	}
	return err
}

// sameButSeen compares cameras, but for when their pictures came, which changes all the time.
func sameButSeen(a, b []Camera) bool {
	return slices.EqualFunc(a, b, func(a, b Camera) bool {
		a.LastSeen, a.FPS = b.LastSeen, b.FPS
		return reflect.DeepEqual(a, b)
	})
}

// wanted returns what the broker should keep. Under a topic without a text it keeps what it has: last values outlive an agent.
func (s *Sink) wanted(cameras []Camera) board {
	s.store.keep(cameras)
	b := board{s.topics.agent(): []byte("online")}
	if s.hushed {
		return b
	}
	for _, c := range cameras {
		b[s.topics.camera(c.Name)] = availability(c.Live)
		b[s.topics.state(c.Name)] = condition(c)
		if s.topics.discovery != "" {
			b[s.topics.config(s.objectID(c))] = s.describe(c)
		}
		for _, w := range c.Watches {
			b[s.topics.value(c.Name, w.Name)] = s.store.get(c.Name, w.Name)
		}
	}
	for topic := range s.ever {
		if _, known := b[topic]; !known {
			b[topic] = []byte{} // it is no more
		}
	}
	for topic := range b {
		s.ever[topic] = true
	}
	return b
}

func availability(live bool) []byte {
	if live {
		return []byte("online")
	}
	return []byte("offline")
}

// condition is the state of a camera for machines.
func condition(c Camera) []byte {
	state := struct {
		State    string     `json:"state"`
		FPS      float64    `json:"fps"`
		LastSeen *time.Time `json:"last_seen"`
	}{State: c.State, FPS: math.Round(10*c.FPS) / 10}
	if !c.LastSeen.IsZero() {
		seen := c.LastSeen.UTC().Truncate(time.Second)
		state.LastSeen = &seen
	}
	text, _ := json.Marshal(state) // of strings and a time: it cannot fail
	return text
}

// tell sends what the broker does not know yet. What it refuses is logged and not tried again on this connection: results are more important.
func (t *teller) tell(ctx context.Context, want board) error {
	ctx, cancel := context.WithTimeoutCause(ctx, logins, lossError{err: context.DeadlineExceeded, in: true})
	defer cancel()
	t.link.telling.Store(true)
	sent := map[string]receipt{}
	for _, topic := range slices.Sorted(maps.Keys(want)) {
		text := want[topic]
		if old, known := t.told[topic]; text == nil || known && bytes.Equal(old, text) {
			continue
		}
		got, err := t.link.send(ctx, message{topic: topic, payload: text, qos: 1, retain: true, contentType: contentType(text), ours: true})
		if err = t.sink.shrug(topic, err); err != nil {
			return err
		}
		sent[topic] = got
	}
	for topic, got := range sent {
		if err := t.sink.shrug(topic, got.wait(ctx)); err != nil {
			return err
		}
		t.told[topic] = want[topic]
	}
	t.link.telling.Store(false)
	return nil
}

// shrug logs a refusal and returns every other error.
func (s *Sink) shrug(topic string, err error) error {
	if !isRefusal(err) {
		return err
	}
	s.options.Log.Warn("the broker does not keep a message", zap.String("sink", s.options.Name), zap.String("topic", topic), zap.Error(s.clean(err)))
	return nil
}

// contentType tells JSON from words.
func contentType(text []byte) string {
	if len(text) > 0 && text[0] == '{' {
		return "application/json"
	}
	return ""
}
