package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"go.uber.org/zap"
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

// will is what the broker tells the others when we are gone.
func (s *Sink) will() message {
	return message{topic: s.topics.agent(), payload: []byte("offline"), qos: 1, retain: true}
}

type valueKey struct{ camera, watch string }

// value is the last answer of a watch that was what had been asked for.
type value struct {
	asked time.Time
	text  []byte
}

// remember keeps a delivered result as the last value of its watch, unless a newer one is known.
func (s *Sink) remember(r result.Result) {
	key := valueKey{r.Camera, r.Watch}
	if !r.OK {
		return
	}
	text, err := r.MarshalJSON()
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, known := s.values[key]; known && old.asked.After(r.Time) {
		return // this one waited for long, or is replayed
	}
	s.values[key] = value{r.Time, text}
	s.Changed()
}

// board is what the broker keeps for us, by topic. What it keeps stays until it gets an empty message.
type board map[string][]byte

// forget makes all topics that begin with prefix be told again.
func (b board) forget(prefix string) {
	for topic := range b {
		if prefix != "" && strings.HasPrefix(topic, prefix) {
			b[topic] = nil
		}
	}
}

// wanted returns what the broker should keep.
func (s *Sink) wanted() board {
	b := board{s.topics.agent(): []byte("online")}
	cameras := s.options.Inventory.Cameras()
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[valueKey]bool{}
	for _, c := range cameras {
		b[s.topics.camera(c.Name)] = availability(c.Live)
		b[s.topics.state(c.Name)] = condition(c)
		if s.topics.discovery != "" {
			b[s.topics.config(s.objectID(c))] = s.discovery(c)
		}
		for _, w := range c.Watches {
			key := valueKey{c.Name, w.Name}
			there[key] = true
			if v, known := s.values[key]; known {
				b[s.topics.value(c.Name, w.Name)] = v.text
			}
		}
	}
	for key := range s.values {
		if !there[key] {
			delete(s.values, key)
		}
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
		LastSeen *time.Time `json:"last_seen"`
	}{State: c.State}
	if !c.LastSeen.IsZero() {
		seen := c.LastSeen.UTC().Truncate(time.Second)
		state.LastSeen = &seen
	}
	text, _ := json.Marshal(state) // of strings and a time: it cannot fail
	return text
}

// tell sends what the broker does not know yet, and takes back what is gone. told is what was acknowledged on this connection. What the
// broker refuses is logged and not tried again on this connection: results are more important.
func (s *Sink) tell(ctx context.Context, l *link, told board) error {
	ctx, cancel := context.WithTimeout(ctx, logins)
	defer cancel()
	want := s.wanted()
	s.takeBack(want)
	sent := map[string]receipt{}
	for topic, text := range want {
		if old, known := told[topic]; known && old != nil && bytes.Equal(old, text) {
			continue
		}
		got, err := l.send(ctx, message{topic: topic, payload: text, qos: 1, retain: true, contentType: contentType(text)})
		if err = s.shrug(topic, err); err != nil {
			return err
		}
		sent[topic] = got
	}
	for topic, got := range sent {
		if err := s.shrug(topic, got.wait(ctx)); err != nil {
			return err
		}
		told[topic] = want[topic]
	}
	return nil
}

// takeBack adds an empty message for each topic that was wanted once, on any connection, and is no more.
func (s *Sink) takeBack(want board) {
	for topic := range want {
		s.ever[topic] = true
	}
	for topic := range s.ever {
		if want[topic] == nil {
			want[topic] = []byte{}
		}
	}
}

// shrug logs a refusal and returns every other error.
func (s *Sink) shrug(topic string, err error) error {
	if !isRefusal(err) {
		return err
	}
	s.options.Log.Warn("the broker does not keep a message", zap.String("topic", topic), zap.Error(s.clean(err)))
	return nil
}

// contentType tells JSON from words.
func contentType(text []byte) string {
	if len(text) > 0 && text[0] == '{' {
		return "application/json"
	}
	return ""
}
