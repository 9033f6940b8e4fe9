package mqtt_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// welcome is the answer of a broker that lets everybody in.
func welcome() packets.Connack { return packets.Connack{Properties: &packets.Properties{}} }

// takes acknowledges everything.
func takes(*packets.Publish) *packets.Puback {
	return &packets.Puback{Properties: &packets.Properties{}}
}

// openLogged makes a sink with one live camera, whose log can be read.
func openLogged(t *testing.T, settings string) (*mqtt.Sink, *observer.ObservedLogs) {
	t.Helper()
	c, err := mqtt.Decode(section(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	s := mqtt.New(c, mqtt.Options{Agent: "pi", Name: "home", Inventory: &inventory{cameras: []mqtt.Camera{door(true)}}, Log: zap.New(core)})
	t.Cleanup(func() { _ = s.Close() })
	return s, logs
}

// Two clients of one id throw each other out. Both deliver, in turns, and the broker is not flooded.
func TestTwins(t *testing.T) {
	t.Parallel()
	b := start(t, "")
	g := newGate(t, b.address)
	settings := "url: mqtt://" + g.Addr().String() + "\nclient_id: same"
	twins := []*mqtt.Sink{open(t, settings), open(t, settings)}
	var taken [2]int
	fight := func(moment time.Duration, untilTold bool) {
		for until := time.Now().Add(moment); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
			for i, s := range twins {
				n, err := s.Deliver(t.Context(), results(2, 3))
				taken[i] += n
				if untilTold && err != nil && strings.Contains(err.Error(), "somebody else has the same client_id") {
					t.Log(err)
					return
				}
			}
		}
	}
	fight(20*time.Second, true)
	if n := g.entered(); n > 8 {
		t.Errorf("%d logins until it was told", n)
	}
	before := g.entered()
	fight(3*time.Second, false)
	if n := g.entered() - before; n > 3 {
		t.Errorf("%d logins in three seconds", n)
	}
	if taken[0] == 0 || taken[1] == 0 {
		t.Errorf("they delivered %v", taken)
	}
}

// A broker that does not want us is told of, once, and tried again, but not as often as there are results.
func TestABrokerThatDoesNotWantUs(t *testing.T) {
	t.Parallel()
	for says, s := range map[string]script{
		"wrong username or password":                           {connack: packets.Connack{ReasonCode: 0x86, Properties: &packets.Properties{ReasonString: "canary-password"}}},
		"moved to another server (reason 0x9d): other.example": {connack: packets.Connack{ReasonCode: 0x9d, Properties: &packets.Properties{ServerReference: "other.example"}}},
		"another client of the same client_id took our place":  {connack: welcome(), goodbye: 0x8e},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			var logins atomic.Int64
			s.logins = &logins
			sunk, logs := openLogged(t, "url: mqtt://"+play(t, s)+"\nusername: door\npassword: canary-password")
			for range 200 {
				refuses(t, sunk, sink.Again, says)
			}
			if n := logins.Load(); n > 2 {
				t.Errorf("%s: %d logins", says, n)
			}
			all := logs.All()
			if len(all) != 1 || all[0].Level != zap.WarnLevel || !strings.Contains(fmt.Sprint(all[0].ContextMap()), says) || strings.Contains(fmt.Sprint(all[0].ContextMap()), "canary") {
				t.Errorf("%s: logged %v", says, all)
			}
			eventually(t, "it is tried again", func() bool { return logins.Load() > 1 })
		})
	}
}

// A broker that takes everything and is dead all the same: it does not answer pings. What it says about how often it wants them is no reason
// to wait for hours.
func TestABrokerThatFallsSilent(t *testing.T) {
	t.Parallel()
	var logins atomic.Int64
	for _, seconds := range []uint16{0, 60_000} {
		logins.Store(0)
		ack := welcome()
		ack.Properties.ServerKeepAlive = &seconds
		s := open(t, "url: mqtt://"+play(t, script{connack: ack, logins: &logins, puback: takes}))
		s.KeepAlive(1)
		s.Start()
		eventually(t, "it connects anew", func() bool { return logins.Load() > 1 })
	}
}

// Something that takes connections and says nothing, or something else than MQTT, is no harm.
func TestWhatIsNoBroker(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ says, told string }{
		"silence": {"", "no answer from the broker in time"}, "SSH": {"SSH-2.0-OpenSSH_9.2\r\n", "no answer from the broker in time"},
		"HTTP":    {"HTTP/1.1 400 Bad Request\r\n" + strings.Repeat("x", 100), "is not that of an MQTT 5 broker"},
		"huge":    {"\x20\xff\xff\xff\x7f", "is not that of an MQTT 5 broker: what came is no packet, or one of 268435460 bytes"},
		"endless": {"\x20\xff\xff\xff\xff\xff\xff", "is not that of an MQTT 5 broker: what came is no packet"},
		"zeros":   {strings.Repeat("\x00", 100), "is not that of an MQTT 5 broker"}, "old": {"\x20\x02\x00\x01", "or not speak MQTT 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						_, _ = conn.Write([]byte(c.says))
						_, _ = io.Copy(io.Discard, conn)
					}()
				}
			}()
			s := open(t, "url: mqtt://"+l.Addr().String())
			refuses(t, s, sink.Again, c.told)
		})
	}
}

// The library panics at a broker that speaks of ways to log in which nobody has asked for.
func TestABrokerThatWantsToTalkAboutTheLogin(t *testing.T) {
	t.Parallel()
	ack := welcome()
	ack.Properties.AuthMethod = "SCRAM-SHA-1"
	s := open(t, "url: mqtt://"+play(t, script{connack: ack, puback: takes}))
	deliver(t, s, results(0, 3))
}

// A broker that stops reading holds up a write, which the end of the context ends.
func TestABrokerThatStopsReading(t *testing.T) {
	t.Parallel()
	stuck, on := make(chan struct{}), make(chan struct{})
	defer close(on)
	is := sync.OnceFunc(func() { close(stuck) })
	s := open(t, "url: mqtt://"+play(t, script{connack: welcome(), puback: func(*packets.Publish) *packets.Puback {
		is()
		<-on
		return nil
	}}))
	batch := results(0, 64)
	for i := range batch {
		batch[i].Answer = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	}
	why := fmt.Errorf("the agent stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	var ended time.Time
	go func() {
		<-stuck
		time.Sleep(time.Second) // until the buffers are full
		ended = time.Now()
		cancel(why)
	}()
	if taken, err := s.Deliver(ctx, batch); taken != 0 || err != why {
		t.Errorf("took %d: %v", taken, err)
	}
	if late := time.Since(ended); late > 10*time.Second { // by itself it takes fifteen
		t.Errorf("it came back %v after the end", late)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A broker that retains nothing refuses a will that it should.
func TestABrokerThatRetainsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, "url: mqtt://"+play(t, script{connack: packets.Connack{ReasonCode: 0x9a, Properties: &packets.Properties{}}, puback: takes}))
	refuses(t, s, sink.Again, "the broker retains nothing")
	eventually(t, "it takes results all the same", func() bool {
		taken, _ := s.Deliver(t.Context(), results(0, 3))
		return taken == 3
	})
}

// What an earlier life of the agent has left behind of cameras that are no more is taken back, and nothing else.
func TestLeftoversOfAnEarlierLife(t *testing.T) {
	t.Parallel()
	b := start(t, "")
	settings := "url: mqtt://" + b.address + "\nhome_assistant: true"
	yard := door(true)
	yard.Name = "yard"
	known := &inventory{cameras: []mqtt.Camera{door(true), yard}}
	first := openWith(t, settings, known)
	batch := results(0, 2)
	batch[1].Camera = "yard"
	deliver(t, first, batch)
	l := listen(t, b.address)
	ours := []string{"overshoot/pi/yard/availability", "overshoot/pi/yard/state", "overshoot/pi/yard/people/state", "homeassistant/device/overshoot_pi_yard/config"}
	for _, topic := range ours {
		eventually(t, topic+" is there", func() bool { return l.last(topic) != "" })
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	others := []string{
		"overshoot/pi/two/availability", "overshoot/pi/two/state", "overshoot/pi/a/b/state", "homeassistant/device/somebody/config", "overshoot/pi2/yard/state",
	}
	for _, topic := range others {
		l.keep(t, topic, "theirs")
	}
	value := l.last(valueTopic)
	known.set(door(true))
	openWith(t, settings, known).Start()
	late := listen(t, b.address)
	for _, topic := range ours {
		eventually(t, topic+" is taken back", func() bool { all := l.on(topic); return len(all[len(all)-1].Payload) == 0 })
	}
	late.wants(t, valueTopic, value) // the value outlives the agent
	for _, topic := range others {
		late.wants(t, topic, "theirs")
	}
}

// A batch waits while the broker has as many in flight as it wants to, and the end of the context ends that.
func TestTheEndWhileNothingMayBeSent(t *testing.T) {
	t.Parallel()
	one := uint16(1)
	ack := welcome()
	ack.Properties.ReceiveMaximum = &one
	sent := make(chan struct{}, 1)
	s := open(t, "url: mqtt://"+play(t, script{connack: ack, puback: func(*packets.Publish) *packets.Puback { sent <- struct{}{}; return nil }}))
	why := fmt.Errorf("the agent stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-sent; cancel(why) }()
	if taken, err := s.Deliver(ctx, results(0, 64)); taken != 0 || err != why {
		t.Errorf("took %d: %v", taken, err)
	}
}
