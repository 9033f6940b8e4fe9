package mqtt_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

func TestWhatArrives(t *testing.T) {
	for _, qos := range []byte{0, 1, 2} {
		b := start(t, "")
		l := listen(t, b.address)
		s := open(t, fmt.Sprintf("url: mqtt://%s\nqos: %d\nexpiry: 1h", b.address, qos))
		deliver(t, s, results(0, 100))
		eventually(t, "all arrive", func() bool { return len(l.on(resultTopic)) == 100 })
		for i, p := range l.on(resultTopic) {
			var r result.Result
			if err := json.Unmarshal(p.Payload, &r); err != nil || r.ID != fmt.Sprint("id-", i) {
				t.Fatalf("number %d is %s: %v", i, p.Payload, err)
			}
			if p.QoS != qos || p.Retain || p.Properties.ContentType != "application/cloudevents+json; charset=utf-8" || *p.Properties.MessageExpiry != 3600 {
				t.Fatalf("got %+v with %+v", p, p.Properties)
			}
		}
	}
}

func TestTheLastValueAndTheStatesAreRetained(t *testing.T) {
	b := start(t, "")
	known := &inventory{}
	known.set(door(true))
	s := openWith(t, "url: mqtt://"+b.address, known)
	batch := results(0, 10)
	batch[9].OK = false // no value
	deliver(t, s, batch)
	deliver(t, s, results(3, 4)) // an old one, replayed
	early := listen(t, b.address)
	want, _ := batch[8].MarshalJSON()
	early.wants(t, valueTopic, string(want))

	late := listen(t, b.address)
	late.wants(t, valueTopic, string(want))
	late.wants(t, agentTopic, "online")
	late.wants(t, cameraTopic, "online")
	late.wants(t, "overshoot/pi/door/state", `{"state":"live","fps":14.9,"last_seen":"2001-09-09T01:46:40Z"}`)
	known.set(door(false))
	late.wants(t, cameraTopic, "offline")
	known.set() // removed: nothing of it stays
	for _, topic := range []string{valueTopic, cameraTopic, "overshoot/pi/door/state"} {
		eventually(t, topic+" is taken back", func() bool { all := late.on(topic); return len(all[len(all)-1].Payload) == 0 })
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	late.wants(t, agentTopic, "offline")
}

// A broker that is killed may lose what it keeps. What it had acknowledged has reached who listened, and what it had not comes again.
func TestAcknowledgedMeansDelivered(t *testing.T) {
	for _, persistence := range []string{"persistence false\n", "persistence true\npersistence_location %d/\nautosave_interval 1\nautosave_on_changes true\n"} {
		b := start(t, "listener %p 127.0.0.1\nallow_anonymous true\n"+persistence)
		s := open(t, "url: mqtt://"+b.address)
		heard, taken, failed := map[string]bool{}, 0, 0
		for round := range 4 {
			l := listenAt(t, b.address, 0)
			until := taken + 300
			var once sync.Once
			for taken < until {
				if taken >= until-150 && round < 3 {
					once.Do(func() { go b.process.Process.Kill() })
				}
				n, err := s.Deliver(t.Context(), results(taken, taken+64))
				taken += n
				if err != nil {
					failed++
					break
				}
			}
			for before := -1; before != len(l.on(resultTopic)); { // whatever the kernel still has
				before = len(l.on(resultTopic))
				time.Sleep(50 * time.Millisecond)
			}
			for _, p := range l.on(resultTopic) {
				var r result.Result
				if err := json.Unmarshal(p.Payload, &r); err != nil {
					t.Fatal(err)
				}
				heard[r.ID] = true
			}
			if round < 3 {
				b.kill()
				b.again()
			}
		}
		for i := range taken {
			if !heard[fmt.Sprint("id-", i)] {
				t.Errorf("number %d of %d was reported taken and did not arrive", i, taken)
			}
		}
		if failed < 1 {
			t.Error("no delivery was broken off")
		}
		t.Logf("%d taken, %d deliveries broken off", taken, failed)
	}
}

// A broker that lost everything is told again, soon after it is back.
func TestTheBrokerIsToldAgain(t *testing.T) {
	b := start(t, "")
	s := open(t, "url: mqtt://"+b.address+"\nhome_assistant: true")
	deliver(t, s, results(0, 1))
	for range 2 {
		b.kill()
		refuses(t, s, sink.Again, "connection")
		b.again()
		began := time.Now()
		l := listen(t, b.address)
		l.wants(t, agentTopic, "online")
		l.wants(t, cameraTopic, "online")
		text, _ := results(0, 1)[0].MarshalJSON()
		l.wants(t, valueTopic, string(text))
		eventually(t, "it is described again", func() bool { return l.last(discoveryTopic) != "" })
		t.Logf("%v after the broker listens", time.Since(began))
	}
}

// TestTheAgentInAChild is not a test of its own: it is the process that the next one kills.
func TestTheAgentInAChild(t *testing.T) {
	address := os.Getenv("MQTT_CHILD")
	if address == "" {
		return
	}
	open(t, "url: mqtt://"+address).Start()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestTheWillOfAKilledAgent(t *testing.T) {
	b := start(t, "")
	l := listen(t, b.address)
	child := exec.Command(os.Args[0], "-test.run=^TestTheAgentInAChild$")
	child.Env = append(os.Environ(), "MQTT_CHILD="+b.address)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	l.wants(t, agentTopic, "online")
	_ = child.Process.Kill()
	_ = child.Wait()
	l.wants(t, agentTopic, "offline")
	listen(t, b.address).wants(t, agentTopic, "offline")
}

func TestLogin(t *testing.T) {
	passwords := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(passwords, []byte("door:canary-right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mosquitto_passwd", "-U", passwords).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := start(t, "listener %p 127.0.0.1\nallow_anonymous false\npassword_file "+passwords+"\n")
	deliver(t, open(t, "url: mqtt://"+b.address+"\nusername: door\npassword: canary-right"), results(0, 1))
	refuses(t, open(t, "url: mqtt://"+b.address+"\nusername: door\npassword: canary-wrong"), sink.Again, "not authorized; look at username, password")
	refuses(t, open(t, "url: mqtt://"+b.address), sink.Again, "not authorized")
	b.kill()
	refuses(t, open(t, "url: mqtt://"+b.address), sink.Again, "mqtt://"+b.address+": connection refused: nothing listens there")
}

func TestWebsocket(t *testing.T) {
	_, second, _ := net.SplitHostPort(freeAddress(t)) // a mosquitto that has websockets only says that it has no listener
	b := start(t, "listener %p 127.0.0.1\nprotocol websockets\nlistener "+second+" 127.0.0.1\nallow_anonymous true\n")
	s := open(t, "url: ws://"+b.address+"/mqtt?token=canary")
	deliver(t, s, results(0, 200))
	b.kill()
	refuses(t, s, sink.Again, "ws://"+b.address)
}

// The figure is for people; what is judged is that a backlog passes.
func TestABacklogAtQoS1(t *testing.T) {
	b := start(t, "")
	s := open(t, "url: mqtt://"+b.address)
	const all = 20_000
	began := time.Now()
	for from := 0; from < all; from += 500 {
		deliver(t, s, results(from, from+500))
	}
	t.Logf("%.0f results/s", all/time.Since(began).Seconds())
}
