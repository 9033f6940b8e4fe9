package integration

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// A broker is a real mosquitto that can be killed, with a door before it: who subscribes for a test goes past it, and is there before the
// agent can deliver to a broker that has forgotten everything.
type broker struct {
	t       *testing.T
	file    string // its configuration
	address string
	log     *output
	process *exec.Cmd

	door net.Listener
	mu   sync.Mutex
	open bool
	in   []net.Conn // through the door
}

// startBroker starts one with further lines of configuration; DIR stands for its folder.
func startBroker(t *testing.T, lines string) *broker {
	t.Helper()
	dir := t.TempDir()
	b := &broker{t: t, file: filepath.Join(dir, "mosquitto.conf"), log: &output{}}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b.address = free.Addr().String()
	must(t, free.Close())
	_, port, _ := net.SplitHostPort(b.address)
	must(t, os.WriteFile(b.file, []byte("listener "+port+" 127.0.0.1\nuser root\n"+strings.ReplaceAll(lines, "DIR", dir)), 0o600))
	b.door, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go b.serve()
	b.start()
	t.Cleanup(func() {
		_ = b.door.Close()
		b.kill()
		if t.Failed() {
			t.Logf("the broker says:\n%s", b.log)
		}
	})
	return b
}

// start starts the broker again, and waits until it listens. The door stays as it is.
func (b *broker) start() {
	b.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // not in the PATH of everybody
	}
	b.process = exec.Command(path, "-c", b.file)
	b.process.Stderr, b.process.SysProcAttr = b.log, die()
	must(b.t, b.process.Start())
	eventually(b.t, "the broker listens", func() bool {
		conn, err := net.Dial("tcp", b.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// kill ends the broker without a warning, and shuts the door.
func (b *broker) kill() {
	if b.process != nil {
		_ = b.process.Process.Kill()
		_ = b.process.Wait()
		b.process = nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = false
	for _, c := range b.in {
		_ = c.Close()
	}
	b.in = nil
}

// admit opens the door.
func (b *broker) admit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = true
}

// url is where an agent finds the broker.
func (b *broker) url() string { return "mqtt://" + b.door.Addr().String() }

func (b *broker) serve() {
	for {
		in, err := b.door.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		if !b.open {
			_ = in.Close()
		} else if out, err := net.Dial("tcp", b.address); err != nil {
			_ = in.Close()
		} else {
			b.in = append(b.in, in, out)
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				}()
			}
		}
		b.mu.Unlock()
	}
}

// A subscriber is somebody at a broker who hears everything.
type subscriber struct {
	t      *testing.T
	client *paho.Client
	mu     sync.Mutex
	last   map[string]*paho.Publish // by topic
	count  map[string]int
}

// subscribe connects somebody to the broker who subscribes to everything and has each result taken, if take is given. It returns when what
// the broker has kept was heard. At QoS 0 nothing is sent to the broker afterwards, so that its death does not throw away what is still on
// the way from it.
func (b *broker) subscribe(take func([]byte)) *subscriber {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.address)
	must(b.t, err)
	s := &subscriber{t: b.t, last: map[string]*paho.Publish{}, count: map[string]int{}}
	s.client = paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			if take != nil && strings.HasSuffix(p.Packet.Topic, "/result") {
				take(p.Packet.Payload)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.last[p.Packet.Topic] = p.Packet
			s.count[p.Packet.Topic]++
			return true, nil
		},
	}})
	login := &paho.Connect{ClientID: fmt.Sprint("test", time.Now().UnixNano()), KeepAlive: 600, CleanStart: true}
	if strings.Contains(b.rules(), "password_file") {
		login.UsernameFlag, login.Username, login.PasswordFlag, login.Password = true, "test", true, []byte("test")
	}
	_, err = s.client.Connect(b.t.Context(), login)
	must(b.t, err)
	b.t.Cleanup(func() { _ = conn.Close() })
	_, err = s.client.Subscribe(b.t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "#", RetainAsPublished: true}}})
	must(b.t, err)
	const mark = "test/mark"
	_, err = s.client.Publish(b.t.Context(), &paho.Publish{Topic: mark, Payload: []byte("x")})
	must(b.t, err)
	eventually(b.t, "the broker tells what it has kept", func() bool { return s.newest(mark) != nil })
	return s
}

func (b *broker) rules() string {
	text, err := os.ReadFile(b.file)
	must(b.t, err)
	return string(text)
}

// newest returns what came last on a topic; nil for nothing.
func (s *subscriber) newest(topic string) *paho.Publish {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[topic]
}

// heard counts what came on a topic.
func (s *subscriber) heard(topic string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[topic]
}

// waitRetained blocks until the newest message on a topic is to be kept by the broker and is as wanted.
func (s *subscriber) waitRetained(topic, what string, wanted func(text string) bool) {
	s.t.Helper()
	eventually(s.t, topic+" "+what, func() bool {
		p := s.newest(topic)
		return p != nil && p.Retain && wanted(string(p.Payload))
	})
}

// waitText is waitRetained for a text.
func (s *subscriber) waitText(topic, text string) {
	s.t.Helper()
	s.waitRetained(topic, "says "+text, func(got string) bool { return got == text })
}

// waitEmptied blocks until a retained message was taken back.
func (s *subscriber) waitEmptied(topic string) {
	s.t.Helper()
	eventually(s.t, topic+" is taken back", func() bool {
		p := s.newest(topic)
		return p != nil && len(p.Payload) == 0
	})
}
