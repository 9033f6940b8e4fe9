package mqtt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
)

// broker is a real mosquitto that can be killed and started again.
type broker struct {
	t       *testing.T
	file    string
	address string
	process *exec.Cmd
}

// start starts a broker with further lines of configuration; %p stands for a port in them, %d for a folder.
func start(t *testing.T, lines string) *broker {
	t.Helper()
	address, dir := freeAddress(t), t.TempDir()
	_, port, _ := net.SplitHostPort(address)
	if lines == "" {
		lines = "listener %p 127.0.0.1\nallow_anonymous true\npersistence false\n"
	}
	b := &broker{t: t, address: address, file: filepath.Join(dir, "mosquitto.conf")}
	text := "user root\n" + strings.NewReplacer("%p", port, "%d", dir).Replace(lines)
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.again()
	t.Cleanup(b.kill)
	return b
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// again starts the broker and waits until it listens.
func (b *broker) again() {
	b.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // not in the PATH of everybody
	}
	b.process = exec.Command(path, "-c", b.file)
	if err := b.process.Start(); err != nil {
		b.t.Fatalf("starting mosquitto (scripts/deps.sh installs it): %v", err)
	}
	eventually(b.t, "the broker listens", func() bool {
		conn, err := net.Dial("tcp", b.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (b *broker) kill() {
	if b.process != nil {
		_ = b.process.Process.Kill()
		_ = b.process.Wait()
		b.process = nil
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// listener is somebody else at the broker, who hears all.
type listener struct {
	client *paho.Client
	mu     sync.Mutex
	heard  []*paho.Publish
}

// listen connects to a broker and subscribes to everything.
func listen(t *testing.T, address string) *listener {
	t.Helper()
	return listenAt(t, address, 2)
}

// listenAt subscribes with a QoS. At 0 a listener sends nothing, so that a broker's death resets no connection with messages still in it.
func listenAt(t *testing.T, address string, qos byte) *listener {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{}
	l.client = paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.heard = append(l.heard, p.Packet)
			return true, nil
		},
	}})
	if _, err := l.client.Connect(t.Context(), &paho.Connect{ClientID: fmt.Sprint("listener", time.Now().UnixNano()), KeepAlive: 30, CleanStart: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := l.client.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "#", QoS: qos}}}); err != nil {
		t.Fatal(err)
	}
	return l
}

// flush returns when all that the broker has got until now was heard.
func (l *listener) flush(t *testing.T) {
	t.Helper()
	mark := fmt.Sprint("flush/", time.Now().UnixNano())
	l.say(t, mark, "x")
	eventually(t, "the broker passes on what it has", func() bool { return l.last(mark) != "" })
}

func (l *listener) on(topic string) []*paho.Publish {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*paho.Publish
	for _, p := range l.heard {
		if p.Topic == topic {
			found = append(found, p)
		}
	}
	return found
}

// last returns the newest message on a topic, "" for none.
func (l *listener) last(topic string) string {
	if all := l.on(topic); len(all) > 0 {
		return string(all[len(all)-1].Payload)
	}
	return ""
}

func (l *listener) wants(t *testing.T, topic, text string) {
	t.Helper()
	eventually(t, topic+" says "+text, func() bool { return l.last(topic) == text })
}

// keep leaves a retained message.
func (l *listener) keep(t *testing.T, topic, text string) {
	t.Helper()
	if _, err := l.client.Publish(t.Context(), &paho.Publish{Topic: topic, QoS: 1, Retain: true, Payload: []byte(text)}); err != nil {
		t.Fatal(err)
	}
}

func (l *listener) say(t *testing.T, topic, text string) {
	t.Helper()
	if _, err := l.client.Publish(t.Context(), &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(text)}); err != nil {
		t.Fatal(err)
	}
}

// inventory is what the sink is told to know.
type inventory struct {
	mu      sync.Mutex
	cameras []mqtt.Camera
}

func (i *inventory) Cameras() []mqtt.Camera {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]mqtt.Camera(nil), i.cameras...)
}

func (i *inventory) set(cameras ...mqtt.Camera) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cameras = cameras
}

func door(live bool) mqtt.Camera {
	c := mqtt.Camera{Name: "door", State: "live", Live: live, LastSeen: time.Unix(1e9, 5), FPS: 14.94, Watches: []mqtt.Watch{{
		Name: "people", Schema: map[string]any{"type": "object", "properties": map[string]any{
			"present": map[string]any{"type": "boolean"}, "count": map[string]any{"type": "integer"}, "speed": map[string]any{"type": []any{"number", "null"}},
			"who is it": map[string]any{"type": "string"}, "list": map[string]any{"type": "array"},
		}},
	}, {Name: "scene"}}}
	if !live {
		c.State = "reconnecting"
	}
	return c
}

func section(t *testing.T, settings string) config.Section {
	t.Helper()
	s, err := config.ParseSection("c.yaml", "type: mqtt\n"+settings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open makes a sink of settings, with one live camera.
func open(t *testing.T, settings string) *mqtt.Sink {
	t.Helper()
	return openWith(t, settings, &inventory{cameras: []mqtt.Camera{door(true)}})
}

func openWith(t *testing.T, settings string, known *inventory) *mqtt.Sink {
	t.Helper()
	c, err := mqtt.Decode(section(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	var s sink.Sink = mqtt.New(c, mqtt.Options{Agent: "pi", Name: "home", Version: "1.2.3", Inventory: known})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*mqtt.Sink)
}

func results(from, to int) []result.Result {
	var all []result.Result
	for i := from; i < to; i++ {
		all = append(all, result.Result{
			ID: fmt.Sprint("id-", i), Sequence: uint64(i), Time: time.Unix(int64(i), 0), Agent: "pi", Camera: "door", Watch: "people",
			StreamID: "s", Model: "m", OK: true, Answer: json.RawMessage(fmt.Sprintf(`{"count":%d}`, i)),
		})
	}
	return all
}

// deliver delivers a batch that must be taken.
func deliver(t *testing.T, s *mqtt.Sink, batch []result.Result) {
	t.Helper()
	if taken, err := s.Deliver(t.Context(), batch); err != nil || taken != len(batch) {
		t.Fatalf("took %d of %d: %v", taken, len(batch), err)
	}
}

// refuses returns the error of a delivery that must fail, after checking what it says.
func refuses(t *testing.T, s *mqtt.Sink, kind sink.Kind, says string) *sink.Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := s.Deliver(ctx, results(0, 1))
	e, ok := errors.AsType[*sink.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
		t.Fatalf("got %#v: %v, want %s: %s", err, err, kind, says)
	}
	return e
}

const (
	resultTopic = "overshoot/pi/door/people/result"
	valueTopic  = "overshoot/pi/door/people/state"
	agentTopic  = "overshoot/pi/availability"
	cameraTopic = "overshoot/pi/door/availability"
)
