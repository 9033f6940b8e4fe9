package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A zoo is an agent with cameras that have the habits of real ones, each its own.
type zoo struct {
	t       *testing.T
	s       *simulator
	a       *agent
	dir     string
	animals []animal
}

// An animal is one camera of a zoo.
type animal struct {
	name, source string // the latter as YAML
	settings     string // further ones of the camera, as YAML in one line
}

// zooWatch asks what is burned into the newest picture, and how large that is. With a full house that is as often as the service takes it.
const zooWatch = `
  eye:
    prompt: "What is the counter?"
    model: ` + gemma + `
    every: 2s
    schema: {type: object, properties: {counter: {type: integer}, camera: {type: integer}, width: {type: integer}}, required: [counter, camera, width]}
    sinks: [events]
`

// newZoo starts a simulator with cameras, as its command line lists them, and makes them all animals. The first wants a password.
func newZoo(t *testing.T, list string, args ...string) *zoo {
	t.Helper()
	s := startSimulatorWith(t, list, []string{"main,max_streams=32"}, args...)
	z := &zoo{t: t, s: s, dir: t.TempDir()}
	for i, entry := range strings.Split(list, ",") {
		name, _, _ := strings.Cut(entry, "=")
		settings := "stall_after: 5s"
		if i == 0 {
			settings += fmt.Sprintf(", username: %q, password: %q", s.secrets.user, s.secrets.password)
		}
		z.add(name, s.cameras[name], settings)
	}
	return z
}

// add adds a camera from elsewhere.
func (z *zoo) add(name, url, settings string) {
	z.animals = append(z.animals, animal{name, strconv.Quote(url), settings})
}

// overUDP makes a camera travel beside its connection.
func (z *zoo) overUDP(name string) {
	i := slices.IndexFunc(z.animals, func(a animal) bool { return a.name == name })
	z.animals[i].source = fmt.Sprintf("{type: rtsp, url: %s, transport: udp}", z.animals[i].source)
}

// start runs the agent, and blocks until it has started.
func (z *zoo) start() {
	z.t.Helper()
	var cameras strings.Builder
	for _, a := range z.animals {
		fmt.Fprintf(&cameras, "  - {name: %s, source: %s, watches: [eye], %s}\n", a.name, a.source, a.settings)
	}
	text := strings.Replace(z.s.config(z.dir, cameras.String(), zooWatch), "max_streams: 2", "max_streams: 32", 1)
	must(z.t, os.WriteFile(filepath.Join(z.dir, configName), []byte(text), 0o600))
	z.a = startAgentIn(z.t, z.s, z.dir)
}

// waitResults blocks until there are n more results about each of these cameras.
func (z *zoo) waitResults(n int, names ...string) {
	z.t.Helper()
	want := map[string]int{}
	for _, name := range names {
		want[name] = len(z.a.events(name+"/eye")) + n
	}
	eventually(z.t, fmt.Sprintf("%d more results about each of %v", n, names), func() bool {
		return !slices.ContainsFunc(names, func(name string) bool { return len(z.a.events(name+"/eye")) < want[name] })
	})
}

// end stops the agent and checks what must hold of every run.
func (z *zoo) end() {
	z.t.Helper()
	z.a.stop(syscall.SIGTERM)
	z.a.checkEvents()
	z.s.recorder.check(z.t)
	checkReleased(z.t, z.s)
}

// waitStreams blocks until these cameras have streams with a publisher, and returns the ids by camera.
func (z *zoo) waitStreams(names ...string) (ids map[string]string) {
	z.t.Helper()
	eventually(z.t, fmt.Sprintf("%v have streams with a publisher", names), func() bool {
		ids = z.a.held()
		active := z.s.activeByID()
		return !slices.ContainsFunc(names, func(name string) bool { return !active[ids[name]].Publisher })
	})
	return ids
}

// checkSame fails the test where a camera has another stream than before.
func (z *zoo) checkSame(before map[string]string) {
	z.t.Helper()
	now := z.a.held()
	for name, id := range before {
		if now[name] != id {
			z.t.Errorf("%s has the stream %q, want the old one, %q", name, now[name], id)
		}
	}
}

// A sighting is what a result says of the picture that was looked at.
type sighting struct{ Counter, Camera, Width int }

// checkSightings holds all results about a camera against what the simulator saw, and returns them. How old each picture may be is a matter
// of other tests: a house full of cameras is slow where others run as well. What falls behind for good is found all the same.
func (z *zoo) checkSightings(t *testing.T, name string) (all []sighting) {
	t.Helper()
	var ages []int
	events := distinct(z.a.events(name + "/eye")) // first: what comes after it was answered before it
	answers := map[string][]call{}                // by stream
	for _, c := range z.s.calls("chat") {
		if c.Status == http.StatusOK {
			answers[c.Stream] = append(answers[c.Stream], c)
		}
	}
	for _, e := range events {
		// Answers come in order. One may have become no result: the agent was killed.
		left, result := answers[e.Data.StreamID], compact(t, e.Data.Result)
		i := slices.IndexFunc(left, func(c call) bool { return compact(t, []byte(c.Chat.Content)) == result })
		if i < 0 {
			t.Errorf("%s: result %d, %s, was no answer of the simulator's", name, len(all)+1, result)
			break
		}
		answers[e.Data.StreamID] = left[i+1:]
		var seen sighting
		must(t, json.Unmarshal(e.Data.Result, &seen))
		chat := left[i].Chat
		newest := chat.Counters[len(chat.Counters)-1]
		if seen.Counter != newest || seen.Counter < 0 {
			t.Errorf("%s: result %d says %d, the picture said %d", name, len(all)+1, seen.Counter, newest)
			break // the others are mostly the same
		}
		if chat.LiveCounter >= 0 {
			ages = append(ages, behind(newest, chat.LiveCounter))
		}
		all = append(all, seen)
	}
	if last := ages[max(0, len(ages)-5):]; len(last) > 0 && slices.Min(last) > 100 {
		t.Errorf("%s: the last answers are from pictures %v behind the camera", name, last)
	}
	return all
}

// zooCamera is what the simulator tells about a camera of its own.
type zooCamera struct {
	Name                             string
	Number                           int
	Frames, Sessions, Plays, Refused int
}

func (s *simulator) camerasNow() map[string]zooCamera {
	s.t.Helper()
	var state struct{ Cameras []zooCamera }
	s.ask(http.MethodGet, "/state", "", &state)
	all := map[string]zooCamera{}
	for _, c := range state.Cameras {
		all[c.Name] = c
	}
	return all
}
