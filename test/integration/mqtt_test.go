package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	agentThere = "overshoot/test-agent/availability"
	yardThere  = "overshoot/test-agent/yard/availability"
	yardState  = "overshoot/test-agent/yard/state"
	yardConfig = "homeassistant/device/overshoot_test-agent_yard/config"
)

// addBroker adds an MQTT sink at a broker. Who subscribes has to take the arrivals.
func (o *load) addBroker(name string, b *broker, more string) *arrivals {
	settings := fmt.Sprintf("type: mqtt, url: %q, home_assistant: true", b.url())
	if more != "" {
		settings += ", " + more
	}
	o.add(name, settings, "")
	return o.ledger.sink(name)
}

// No result is lost when a broker is killed, whether or not it remembers anything when it is back; and it is soon told all it shall keep.
func TestResultsOutliveTheirBroker(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"without persistence": "allow_anonymous true\npersistence false\n",
		"with persistence":    "allow_anonymous true\npersistence true\npersistence_location DIR/\nautosave_on_changes true\nautosave_interval 20\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBroker(t, lines)
			o := newLoad(t)
			o.addFile("archive", "")
			got := o.addBroker("home", b, "")
			b.subscribe(got.take)
			b.admit()
			a := o.start()
			for range scale(2, 20) {
				o.ledger.waitProbe()
				b.kill()
				o.waitAnswers(scale(150, 600))
				b.start()
				s := b.subscribe(got.take)
				before := s.heard(agentThere) // what the broker has not forgotten is no news
				b.admit()
				back := time.Now()
				s.waitRetained(agentThere, "says online, once more", func(text string) bool { return text == "online" && s.heard(agentThere) > before })
				t.Logf("%s: online %v after the broker was back (promised: 5s)", name, time.Since(back).Round(time.Millisecond))
				o.checkKept(b)
			}
			o.ledger.waitProbe()
			o.quiet()
			o.ledger.waitComplete(patience)
			o.stop(a)
			b.subscribe(nil).waitText(agentThere, "offline")
			o.ledger.check()
		})
	}
}

// checkKept waits until a broker keeps everything that somebody wants to know who comes later.
func (o *load) checkKept(b *broker) {
	o.t.Helper()
	s := b.subscribe(nil)
	s.waitText(agentThere, "online")
	s.waitText(yardThere, "online")
	s.waitRetained(yardState, "tells when pictures came", func(text string) bool {
		var state struct {
			State    string
			LastSeen time.Time `json:"last_seen"`
		}
		return json.Unmarshal([]byte(text), &state) == nil && state.State == "live" && time.Since(state.LastSeen) < time.Minute
	})
	for i := range o.asks {
		s.waitRetained(fmt.Sprintf("overshoot/test-agent/yard/ask-%d/state", i+1), "has the last value", func(text string) bool {
			r, err := readArrival([]byte(text))
			return err == nil && r.serial > 0
		})
	}
	s.waitRetained(yardConfig, "describes the camera", func(text string) bool {
		var device struct {
			Components map[string]struct {
				Platform string `json:"p"`
				Topic    string `json:"stat_t"`
			} `json:"cmps"`
		}
		serial := 0
		if json.Unmarshal([]byte(text), &device) == nil {
			for _, c := range device.Components {
				if c.Platform == "sensor" && strings.HasSuffix(c.Topic, "/state") && strings.Contains(c.Topic, "/yard/ask-") {
					serial++
				}
			}
		}
		return serial == o.asks
	})
}

// What others see of an agent that comes and goes.
func TestAvailabilityOfAnAgent(t *testing.T) {
	t.Parallel()
	b := startBroker(t, "allow_anonymous true\n")
	o := newLoad(t)
	got := o.addBroker("home", b, "")
	s := b.subscribe(got.take)
	b.admit()
	a := o.start()
	s.waitText(agentThere, "online")
	s.waitText(yardThere, "online")
	o.kill(a)
	s.waitText(agentThere, "offline")
	if p := s.newest(agentThere); p.Properties.User.Get("owner") != "" {
		t.Error("the agent was killed and said goodbye")
	}
	a = o.start()
	s.waitText(agentThere, "online")
	o.ledger.waitProbe()
	o.s.do("POST", "/cameras/"+loadCamera+"/stall", "")
	s.waitText(yardThere, "offline")
	s.waitRetained(yardState, "is not live", func(text string) bool { return !strings.Contains(text, `"live"`) })
	o.loud()
	s.waitText(yardThere, "online")
	o.quiet()
	o.ledger.waitComplete(patience)
	o.stop(a)
	s.waitText(agentThere, "offline")
	if p := s.newest(agentThere); p.Properties.User.Get("owner") == "" {
		t.Error("the agent was stopped, and its will had to say so")
	}
	if log := b.log.String(); !strings.Contains(lastLine(log, "overshoot-agent-test-agent-home"), "disconnected") {
		t.Errorf("the agent did not take its leave: %s", log)
	}
	o.ledger.check()
}

// lastLine returns the last line that has a word in it.
func lastLine(text, word string) (last string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			last = line
		}
	}
	return last
}

// A password that the broker does not take is told, loudly and without it; nobody else is disturbed; and nothing is lost until it is right.
func TestABrokerThatRefusesThePassword(t *testing.T) {
	t.Parallel()
	passwords := filepath.Join(t.TempDir(), "passwords")
	o := newLoad(t)
	must(t, os.WriteFile(passwords, []byte("door:"+o.s.secrets.password+"\ntest:test\n"), 0o600))
	if out, err := exec.Command("mosquitto_passwd", "-U", passwords).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := startBroker(t, "allow_anonymous false\npassword_file "+passwords+"\n")
	o.addFile("archive", "")
	hook := o.addHook("hook", "")
	got := o.addBroker("home", b, fmt.Sprintf("username: door, password: %q", o.s.secrets.wrong))
	b.subscribe(got.take)
	b.admit()
	a := o.start()
	o.waitAnswers(100)
	o.ledger.waitComplete(patience, "archive", "hook")
	const words = "not authorized; look at username, password"
	eventually(t, "the status tells of it", func() bool {
		state, trouble := a.part("sink home", "sink")
		return state == "failing" && strings.Contains(trouble, words)
	})
	if code, _ := a.get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %d", code)
	}
	if !a.warned("home", words) {
		t.Error("the log does not tell of it")
	}
	if all, _ := got.list(); len(all) > 0 {
		t.Errorf("%d results arrived", len(all))
	}
	if n := hook.asked(); n == 0 {
		t.Error("the other sink got nothing")
	}
	o.sinks = strings.ReplaceAll(o.sinks, fmt.Sprintf("%q", o.s.secrets.wrong), fmt.Sprintf("%q", o.s.secrets.password))
	o.command()
	a.hangUp()
	o.ledger.waitProbe()
	a.waitPart("sink home", "sink", "idle")
	o.quiet()
	o.ledger.waitComplete(patience)
	o.stop(a)
	o.ledger.check()
}

// What a broker keeps of a camera is taken back when the camera is removed, while the agent runs or while it does not.
func TestABrokerForgetsCameras(t *testing.T) {
	t.Parallel()
	b := startBroker(t, "allow_anonymous true\n")
	s := startSimulator(t, "yard=180p15,dock=180p15", "--no-decode")
	yard, dock := s.lockedCamera("yard", s.secrets.password, "counter"), s.camera("dock", "counter")
	dir := t.TempDir()
	write := func(cameras string) {
		t.Helper()
		text := s.config(dir, cameras, strings.ReplaceAll(counterWatch, "[events]", "[events, home]"))
		text = strings.Replace(text, "\nsinks:\n", fmt.Sprintf("\nsinks:\n  home: {type: mqtt, url: %q, home_assistant: true}\n", b.url()), 1)
		must(t, os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o600))
	}
	of := func(camera string) []string {
		base := "overshoot/test-agent/" + camera
		return []string{base + "/availability", base + "/state", base + "/counter/state", "homeassistant/device/overshoot_test-agent_" + camera + "/config"}
	}
	all := b.subscribe(nil)
	b.admit()
	write(yard + dock)
	a := startAgentIn(t, s, dir)
	for _, topic := range append(of("yard"), of("dock")...) {
		all.waitRetained(topic, "is there", func(text string) bool { return text != "" })
	}
	all.waitText(yardThere, "online")
	write(yard)
	a.hangUp()
	for _, topic := range of("dock") {
		all.waitEmptied(topic)
	}
	write(yard + dock)
	a.hangUp()
	for _, topic := range of("dock") {
		all.waitRetained(topic, "is there again", func(text string) bool { return text != "" })
	}
	a.stop(syscall.SIGTERM)
	write(dock)
	a = startAgentIn(t, s, dir)
	for _, topic := range of("yard") {
		all.waitEmptied(topic)
	}
	late := b.subscribe(nil)
	for _, topic := range of("dock") {
		late.waitRetained(topic, "is still there", func(text string) bool { return text != "" })
	}
	for _, topic := range of("yard") { // late has heard all there is
		if late.newest(topic) != nil {
			t.Errorf("%s is still there", topic)
		}
	}
	a.stop(syscall.SIGTERM)
}
