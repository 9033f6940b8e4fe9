package control_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap/zaptest"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/control"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream/streamtest"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// oneCamera is a camera called front-door, number 1; it remembers what was done to it.
type oneCamera struct{ done []string }

func (c *oneCamera) All() []control.Camera {
	return []control.Camera{{Name: "front-door", Number: 1, Counter: 9}}
}

func (c *oneCamera) Name(number int) string {
	return map[int]string{1: "front-door"}[number]
}
func (c *oneCamera) Stall(name string) bool      { return c.do(name, "stall") }
func (c *oneCamera) Resume(name string) bool     { return c.do(name, "resume") }
func (c *oneCamera) Silence(name string) bool    { return c.do(name, "silence") }
func (c *oneCamera) Disconnect(name string) bool { return c.do(name, "disconnect") }
func (c *oneCamera) SetDown(name string, down bool) bool {
	return c.do(name, map[bool]string{true: "down", false: "up"}[down])
}
func (c *oneCamera) SetPassword(name, password string) bool { return c.do(name, "password "+password) }

func (c *oneCamera) do(name, what string) bool {
	if name != "front-door" {
		return false
	}
	c.done = append(c.done, what)
	return true
}

// process is a media server that remembers what was done to it.
type process struct{ done []string }

func (p *process) URL() string                   { return "ws://media.example.test" }
func (p *process) PID() int                      { return 4711 }
func (p *process) Running(context.Context) bool  { return true }
func (p *process) Kill()                         { p.done = append(p.done, "kill") }
func (p *process) Restart(context.Context) error { p.done = append(p.done, "restart"); return nil }
func (p *process) Pause()                        { p.done = append(p.done, "pause") }
func (p *process) Resume()                       { p.done = append(p.done, "resume") }

type bench struct {
	t       *testing.T
	url     string
	options control.Options
	media   *streamtest.Media
	camera  *oneCamera
	process *process
}

func newBench(t *testing.T) *bench {
	t.Helper()
	keys, err := account.NewBook(account.Key{Name: "main", Value: "very-secret-key", User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, media: &streamtest.Media{}, camera: &oneCamera{}, process: &process{}}
	set, log := switches.New(), zaptest.NewLogger(t)
	b.options = control.Options{
		Keys: keys, Streams: stream.NewRegistry(b.media, set, log), Switches: set, Faults: &fault.Book{}, Calls: &calllog.Log{},
		Cameras: b.camera, LiveKit: b.process, Log: log,
	}
	t.Cleanup(b.options.Streams.Close)
	server := httptest.NewServer(control.New(b.options))
	t.Cleanup(server.Close)
	b.url = server.URL + control.Base
	return b
}

func (b *bench) call(method, path, body string, status int) string {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		b.t.Errorf("%s %s: got %d %s, want %d (%v)", method, path, response.StatusCode, text, status, err)
	}
	return string(text)
}

func (b *bench) create() *stream.Stream {
	b.t.Helper()
	s, err := b.options.Streams.Create(account.Key{Name: "main", User: "alice"}, "us-west1", stream.SourceLiveKit)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func TestStateTellsAllAndNoSecrets(t *testing.T) {
	b := newBench(t)
	s := b.create()
	b.media.Push(s.ID, 41, 1)
	b.media.Push(s.ID, 43, 1)
	b.create().End(stream.ReasonDeleted)
	text := b.call(http.MethodGet, "/state", "", http.StatusOK)
	var state struct {
		Streams []struct {
			ID, Key, Region, State, Camera string
			Frames, Counter                int
			Lost                           int    `json:"lost_pictures"`
			ExpiresIn                      int64  `json:"expires_in_ms"`
			EndReason                      string `json:"end_reason"`
		}
		LiveKit struct {
			PID     int
			Running bool
		}
		MaxStreamsSeen map[string]int `json:"max_streams_seen"`
		Switches       map[string]string
	}
	if err := json.Unmarshal([]byte(text), &state); err != nil || len(state.Streams) != 2 {
		t.Fatalf("%v in %s", err, text)
	}
	first, second := state.Streams[0], state.Streams[1]
	if first.ID != s.ID || first.Camera != "front-door" || first.Counter != 43 || first.Frames != 2 || first.Lost != 1 || first.ExpiresIn < 200_000 || first.State != "active" {
		t.Errorf("active stream: %+v", first)
	}
	if second.State != "ended" || second.EndReason != "deleted" || second.Counter != -1 || second.ExpiresIn != 0 {
		t.Errorf("ended stream: %+v", second)
	}
	if state.LiveKit.PID != 4711 || !state.LiveKit.Running || state.MaxStreamsSeen["main"] != 2 || state.Switches["ttl_seconds"] != "300" {
		t.Errorf("the rest: %s", text)
	}
	if strings.Contains(text, "very-secret-key") {
		t.Error("the state shows a key")
	}
}

func TestCallsSince(t *testing.T) {
	b := newBench(t)
	for range 3 {
		b.options.Calls.Add(calllog.Entry{Op: calllog.OpGet})
	}
	var calls []calllog.Entry
	if err := json.Unmarshal([]byte(b.call(http.MethodGet, "/calls?since=1", "", http.StatusOK)), &calls); err != nil || len(calls) != 2 || calls[0].N != 2 {
		t.Errorf("%v, %+v", err, calls)
	}
	b.call(http.MethodGet, "/calls?since=x", "", http.StatusBadRequest)
}

func TestFaultRulesComeAndGo(t *testing.T) {
	b := newBench(t)
	if got := b.call(http.MethodPost, "/faults", `{"op":"create","status":503,"times":-1}`, http.StatusOK); got != `{"id":"f1"}`+"\n" {
		t.Errorf("added: %s", got)
	}
	if got := b.call(http.MethodGet, "/faults/f1", "", http.StatusOK); !strings.Contains(got, `"op":"create"`) || !strings.Contains(got, `"struck":0`) {
		t.Errorf("one: %s", got)
	}
	b.call(http.MethodDelete, "/faults/f1", "", http.StatusOK)
	b.call(http.MethodDelete, "/faults/f1", "", http.StatusNotFound)
	b.call(http.MethodGet, "/faults/f1", "", http.StatusNotFound)
	b.call(http.MethodPost, "/faults", `{"hang":true}`, http.StatusOK)
	b.call(http.MethodDelete, "/faults", "", http.StatusOK)
	if got := b.call(http.MethodGet, "/faults", "", http.StatusOK); got != "[]\n" {
		t.Errorf("all: %s", got)
	}
	for _, body := range []string{`{"op":"destroy","status":500}`, `{"stauts":500}`, `{}`, `no`} {
		b.call(http.MethodPost, "/faults", body, http.StatusBadRequest)
	}
}

func TestStreamsAreChanged(t *testing.T) {
	b := newBench(t)
	s := b.create()
	for _, action := range []string{"void-tokens", "remove-publisher", "delete-room"} {
		b.call(http.MethodPost, "/streams/"+s.ID+"/"+action, "", http.StatusOK)
	}
	if b.media.Voided(s.ID) != 1 || b.media.Removed(s.ID) != 1 || b.media.Deleted(s.ID) != 1 {
		t.Error("the media server was not asked")
	}
	b.call(http.MethodPost, "/streams/"+s.ID+"/expire", "", http.StatusOK)
	if got := s.Snapshot(); !got.Ended || got.EndReason != "expired" {
		t.Errorf("expired: %+v", got)
	}
	other := b.create()
	b.call(http.MethodPost, "/streams/"+other.ID+"/end?reason=reaped", "", http.StatusOK)
	if got := other.Snapshot(); !got.Ended || got.EndReason != "reaped" {
		t.Errorf("ended: %+v", got)
	}
	b.call(http.MethodPost, "/streams/"+s.ID+"/explode", "", http.StatusNotFound)
	b.call(http.MethodPost, "/streams/none/expire", "", http.StatusNotFound)
}

func TestPicturesAreListed(t *testing.T) {
	b := newBench(t)
	s := b.create()
	b.media.Push(s.ID, 41, 1)
	b.media.Push(s.ID, 43, 1)
	list := func(query string) (got []struct{ Index, Counter, Width int }) {
		if err := json.Unmarshal([]byte(b.call(http.MethodGet, "/streams/"+s.ID+"/pictures"+query, "", http.StatusOK)), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := list(""); len(got) != 2 || got[0].Counter != 41 || got[1].Counter != 43 || got[1].Width == 0 {
		t.Errorf("all: %+v", got)
	}
	if got := list("?since=0"); len(got) != 1 || got[0].Index != 1 {
		t.Errorf("since the first: %+v", got)
	}
	b.call(http.MethodGet, "/streams/"+s.ID+"/pictures?since=x", "", http.StatusBadRequest)
	b.call(http.MethodGet, "/streams/none/pictures", "", http.StatusNotFound)
	s.End(stream.ReasonDeleted)
	if got := list(""); len(got) != 0 {
		t.Errorf("of an ended stream: %+v", got)
	}
}

func TestCamerasAndMediaServerAreChanged(t *testing.T) {
	b := newBench(t)
	for _, action := range []string{"stall", "resume", "silence", "disconnect", "down", "up"} {
		b.call(http.MethodPost, "/cameras/front-door/"+action, "", http.StatusOK)
	}
	b.call(http.MethodPut, "/cameras/front-door", `{"password":"new"}`, http.StatusOK)
	b.call(http.MethodPost, "/cameras/none/stall", "", http.StatusNotFound)
	b.call(http.MethodPost, "/cameras/front-door/explode", "", http.StatusNotFound)
	if want := []string{"stall", "resume", "silence", "disconnect", "down", "up", "password new"}; !slices.Equal(b.camera.done, want) {
		t.Errorf("camera: %v", b.camera.done)
	}
	for _, action := range []string{"kill", "restart", "pause", "resume"} {
		b.call(http.MethodPost, "/livekit/"+action, "", http.StatusOK)
	}
	b.call(http.MethodPost, "/livekit/explode", "", http.StatusNotFound)
	if want := []string{"kill", "restart", "pause", "resume"}; !slices.Equal(b.process.done, want) {
		t.Errorf("media server: %v", b.process.done)
	}
}

func TestSwitchesAndKeysAreSet(t *testing.T) {
	b := newBench(t)
	b.call(http.MethodPut, "/switches", `{"ttl_seconds":6,"extra_fields":false,"old_index":"clamp"}`, http.StatusOK)
	if b.options.Switches.Int(switches.TTLSeconds) != 6 || b.options.Switches.On(switches.ExtraFields) || !b.options.Switches.Is(switches.OldIndex, "clamp") {
		t.Errorf("got %v", b.options.Switches.Values())
	}
	if got := b.call(http.MethodPut, "/switches", `{"ttl":6}`, http.StatusBadRequest); !strings.Contains(got, "ttl_seconds") {
		t.Errorf("no hint: %s", got)
	}
	if got := b.call(http.MethodGet, "/switches", "", http.StatusOK); !strings.Contains(got, `"name":"ttl_seconds","default":"300"`) {
		t.Errorf("list: %s", got)
	}
	b.call(http.MethodPut, "/keys/main", `{"balance_microcents":0,"revoked":true,"max_streams":2}`, http.StatusOK)
	if key, ok := b.options.Keys.Authenticate("Bearer very-secret-key"); ok || key.MaxStreams != 2 || b.options.Keys.Balance("alice") != 0 {
		t.Errorf("key: %v %d", ok, key.MaxStreams)
	}
	b.call(http.MethodPut, "/keys/none", `{}`, http.StatusBadRequest)
	b.call(http.MethodPut, "/keys/main", `{"colour":1}`, http.StatusBadRequest)
	b.call(http.MethodGet, "/nothing", "", http.StatusNotFound)
}
