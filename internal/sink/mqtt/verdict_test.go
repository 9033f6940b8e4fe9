package mqtt_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// script is a broker that answers as a test wants, to what no real one can be brought.
type script struct {
	connack packets.Connack
	logins  *atomic.Int64                          // counts them; nil: nobody does
	goodbye byte                                   // what it says after the login; 0: nothing
	puback  func(*packets.Publish) *packets.Puback // nil: no answer
}

// play serves a script and returns its address.
func play(t *testing.T, s script) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return l.Addr().String()
}

func (s script) serve(conn net.Conn) {
	defer conn.Close()
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		switch p := p.Content.(type) {
		case *packets.Connect:
			if s.logins != nil {
				s.logins.Add(1)
			}
			if s.connack.ReasonCode == 0x9a && !p.WillRetain {
				s.connack.ReasonCode = 0
			}
			_, _ = s.connack.WriteTo(conn)
			if s.connack.ReasonCode != 0 {
				return
			}
			if s.goodbye != 0 {
				_, _ = (&packets.Disconnect{ReasonCode: s.goodbye, Properties: &packets.Properties{}}).WriteTo(conn)
			}
		case *packets.Publish:
			answer := &packets.Puback{Properties: &packets.Properties{}}
			if p.Topic == resultTopic {
				answer = s.puback(p)
			}
			if answer != nil {
				answer.PacketID = p.PacketID
				_, _ = answer.WriteTo(conn)
			}
		case *packets.Subscribe:
			_, _ = (&packets.Suback{PacketID: p.PacketID, Properties: &packets.Properties{}, Reasons: make([]byte, len(p.Subscriptions))}).WriteTo(conn)
		case *packets.Disconnect:
			return
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for code, want := range map[byte]struct {
		kind  sink.Kind
		final bool
		says  string
	}{
		0x80: {sink.Again, false, "gives no reason"}, 0x83: {sink.Again, false, "the broker refused (reason 0x83)"},
		0x87: {sink.Refused, false, "not authorized"}, 0x90: {sink.Refused, true, "this topic"}, 0x97: {sink.Again, false, "quota"},
		0x99: {sink.Refused, true, "this content"},
	} {
		address := play(t, script{puback: func(p *packets.Publish) *packets.Puback {
			return &packets.Puback{ReasonCode: code, Properties: &packets.Properties{ReasonString: "he said \x1b canary-password"}}
		}, connack: packets.Connack{Properties: &packets.Properties{}}})
		e := refuses(t, open(t, "url: mqtt://"+address+"\nusername: a\npassword: canary-password"), want.kind, want.says)
		if e.Final != want.final {
			t.Errorf("0x%x: final is %v", code, e.Final)
		}
	}
	for code, says := range map[byte]string{
		0x84: "does not speak MQTT 5", 0x86: "wrong username or password", 0x87: "not authorized", 0x89: "busy", 0x85: "client_id",
	} {
		address := play(t, script{connack: packets.Connack{ReasonCode: code, Properties: &packets.Properties{ReasonString: "canary-password"}}})
		refuses(t, open(t, "url: mqtt://"+address+"\nusername: a\npassword: canary-password"), sink.Again, says)
	}
}

// One that is refused costs its neighbours before it nothing, and is tried alone the next time.
func TestOneIsRefused(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	address := play(t, script{connack: packets.Connack{Properties: &packets.Properties{}}, puback: func(p *packets.Publish) *packets.Puback {
		seen.Add(1)
		answer := &packets.Puback{Properties: &packets.Properties{}}
		if want, _ := results(3, 4)[0].MarshalJSON(); string(p.Payload) == string(want) {
			answer.ReasonCode = 0x99
		}
		return answer
	}})
	s := open(t, "url: mqtt://"+address)
	if taken, err := s.Deliver(t.Context(), results(0, 8)); taken != 3 || err == nil {
		t.Fatalf("took %d: %v", taken, err)
	}
	eventually(t, "all were sent", func() bool { return seen.Load() == 8 })
	before := seen.Load()
	if taken, err := s.Deliver(t.Context(), results(3, 8)); taken != 0 || err == nil || seen.Load() != before+1 {
		t.Fatalf("took %d with %d messages: %v", taken, seen.Load()-before, err)
	}
	deliver(t, s, results(4, 8))
}

func TestLimitsOfTheBroker(t *testing.T) {
	t.Parallel()
	most, largest := uint16(5), uint32(900)
	var flying, peak atomic.Int64
	address := play(t, script{
		connack: packets.Connack{Properties: &packets.Properties{ReceiveMaximum: &most, MaximumPacketSize: &largest}},
		puback: func(*packets.Publish) *packets.Puback {
			peak.Store(max(peak.Load(), flying.Add(1)))
			return nil
		},
	})
	s := open(t, "url: mqtt://"+address)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, fmt.Errorf("the time is up"))
	defer cancel()
	if taken, err := s.Deliver(ctx, results(0, 64)); taken != 0 || err != context.Cause(ctx) {
		t.Errorf("took %d: %v", taken, err)
	}
	if peak.Load() > int64(most) {
		t.Errorf("%d were in flight", peak.Load())
	}
	large := results(0, 1)
	large[0].Answer = []byte(`"` + strings.Repeat("x", 1000) + `"`)
	_, err := s.Deliver(t.Context(), large)
	if err == nil || err.(*sink.Error).Kind != sink.Refused || !err.(*sink.Error).Final {
		t.Errorf("got %v", err)
	}
}
