package mqtt_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// gate stands between sinks and a broker. It passes packets on, one by one, until a test wants something else.
type gate struct {
	net.Listener
	broker string

	mu     sync.Mutex
	conns  []net.Conn
	logins int
	closed bool
	left   int                                           // how many results still pass before it closes; -1: all
	answer func(*packets.Publish) *packets.ControlPacket // what results get in the place of the broker; nil: they pass
	hold   chan struct{}                                 // closed when results pass again; nil: they do
	held   func()                                        // is called when one is held up
}

func newGate(t *testing.T, broker string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{Listener: l, broker: broker, left: -1}
	t.Cleanup(func() { _ = l.Close(); g.open(); g.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go g.serve(in)
		}
	}()
	return g
}

// serve passes on what comes over one connection.
func (g *gate) serve(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", g.broker)
	if err != nil {
		return
	}
	defer out.Close()
	g.mu.Lock()
	g.conns = append(g.conns, in, out)
	closed := g.closed
	g.logins++
	g.mu.Unlock()
	if closed {
		reset(in)
		return
	}
	back := &shared{Conn: in}
	go func() {
		defer in.Close()
		for packet, err := readRaw(out); err == nil; packet, err = readRaw(out) {
			_, _ = back.Write(packet)
		}
	}()
	for packet, err := readRaw(in); err == nil; packet, err = readRaw(in) {
		pass, over := g.pass(packet, back)
		if over {
			return
		}
		if pass {
			if _, err := out.Write(packet); err != nil {
				return
			}
		}
	}
}

// pass decides about a packet for the broker, and whether it was the last.
func (g *gate) pass(raw []byte, back io.Writer) (pass, over bool) {
	p, err := packets.ReadPacket(bytes.NewReader(raw))
	publish, ok := p.Content.(*packets.Publish)
	if err != nil || !ok || publish.Topic != resultTopic {
		return true, false
	}
	g.mu.Lock()
	hold, held := g.hold, g.held
	g.mu.Unlock()
	if hold != nil {
		held()
		<-hold
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.answer != nil:
		answer := g.answer(publish)
		_, _ = answer.WriteTo(back)
		return false, answer.Type == packets.DISCONNECT
	case g.left == 0:
		g.closed = true
		go g.cut()
		return false, true
	case g.left > 0:
		g.left--
	}
	return true, false
}

// shared is a connection that several write to, packet by packet.
type shared struct {
	net.Conn
	mu sync.Mutex
}

// Lock and Unlock are for the library.
func (s *shared) Lock()   { s.mu.Lock() }
func (s *shared) Unlock() { s.mu.Unlock() }

// readRaw reads one packet as it stands on the wire.
func readRaw(from io.Reader) ([]byte, error) {
	var raw []byte
	size, shift := 0, 0
	for one := make([]byte, 1); len(raw) < 2 || raw[len(raw)-1]&0x80 != 0; {
		if _, err := io.ReadFull(from, one); err != nil {
			return nil, err
		}
		if raw = append(raw, one...); len(raw) > 1 {
			size |= int(one[0]&0x7f) << shift
			shift += 7
		}
		if len(raw) > 5 {
			return nil, fmt.Errorf("no packet: %x", raw)
		}
	}
	rest := make([]byte, size)
	_, err := io.ReadFull(from, rest)
	return append(raw, rest...), err
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// cut resets all connections.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		reset(c)
	}
	g.conns = nil
}

// shut cuts all connections and lets no others in.
func (g *gate) shut() {
	g.set(func() { g.closed = true })
	g.cut()
}

// open lets everything pass.
func (g *gate) open() {
	g.set(func() {
		g.closed, g.left, g.answer = false, -1, nil
		if g.hold != nil {
			close(g.hold)
			g.hold = nil
		}
	})
}

func (g *gate) set(what func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	what()
}

// entered counts the connections so far.
func (g *gate) entered() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logins
}

func TestADroppedConnectionLeavesTheWillAndComesBack(t *testing.T) {
	b := start(t, "")
	g := newGate(t, b.address)
	l := listen(t, b.address)
	s := open(t, "url: mqtt://"+g.Addr().String())
	s.Start()
	l.wants(t, agentTopic, "online")
	before := len(l.on(agentTopic))
	g.cut()
	eventually(t, "offline, then online", func() bool {
		all := l.on(agentTopic)
		return len(all) >= before+2 && string(all[before].Payload) == "offline" && string(all[len(all)-1].Payload) == "online"
	})
}
