package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// planOf loads a configuration with these cameras and sinks, and the watches people, with a schema, and scene, for the sinks m and f.
func planOf(t *testing.T, cameras, sinks string) (*Plan, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, fmt.Sprintf(`
overshoot: {keys: [{name: main, key: ovs-one, max_streams: 5}]}
cameras: [%s]
watches:
  people: {prompt: "How many?", model: m, every: 1s, sinks: [m], schema: {type: object, properties: {people: {type: integer}}}}
  scene: {prompt: "What?", model: m, every: 1s, sinks: [f, m]}
  night: {prompt: "Is it night?", model: m, every: 1s, sinks: [f]}
sinks: {%s}
`, cameras, sinks))
	return Load(file, config.Options{LookupEnv: os.LookupEnv, Hostname: "host"})
}

func eye(name, watches, more string) string {
	return fmt.Sprintf(`{name: %s, source: "rtsp://127.0.0.1:1/x", watches: [%s]%s}`, name, watches, more)
}

const files = "m: {type: file, path: m.jsonl}, f: {type: file, path: f.jsonl}"

// newInventory is one of a sink that gets what the watches people and scene say.
func newInventory(t *testing.T, cameras string) *inventory {
	t.Helper()
	plan, err := planOf(t, cameras, files)
	if err != nil {
		t.Fatal(err)
	}
	return &inventory{
		sink: "m", plan: func() *Plan { return plan }, board: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()), seen: &sightings{},
	}
}

func TestCamerasOfASink(t *testing.T) {
	i := newInventory(t, strings.Join([]string{
		eye("a", "people, night", ""), eye("b", "night", ""), eye("c", "scene", ", enabled: false"), eye("d", "people, scene", ""),
	}, ", "))
	var got []string
	for _, c := range i.Cameras() {
		text := c.Name + " " + c.State
		for _, w := range c.Watches {
			text += fmt.Sprint(" ", w.Name, " ", w.Schema != nil)
		}
		got = append(got, text)
	}
	if want := []string{"a opening people true", "c disabled scene false", "d opening people true scene false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheStateOfACamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInventory(t, eye("a", "people, night", ""))
		source, stream, room := i.board.Add("a", camera.Kind), i.board.Add("a", lease.Kind), i.board.Add("a", publish.Kind)
		asker, other := i.board.Add("a", watch.KindOf("people")), i.board.Add("a", watch.KindOf("night"))
		is := func(want string) {
			t.Helper()
			if c := i.Cameras()[0]; c.State != want || c.Live != (want == "live") {
				t.Errorf("it is %s (live: %v), want %s", c.State, c.Live, want)
			}
		}
		is("opening")
		source.Set("failed", errors.New("x"))
		is("failed")
		source.Set("live", nil)
		is("idle")
		stream.Set("waiting", nil)
		is("waiting")
		stream.Set("active", nil)
		is("off")
		room.Set("joining", nil)
		is("joining")
		room.Set("live", nil)
		is("live")
		stream.Set("renewing", nil)
		is("live")
		other.Set("blind", nil) // its results go elsewhere
		asker.Set("blind", nil)
		is("live")
		time.Sleep(time.Minute)
		is("blind")
		asker.Set("asking", nil)
		is("live")
		source.Set("opening", nil)
		is("opening")
	})
}

func TestWhenACameraWasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInventory(t, eye("a", "people", ""))
		last := func(want time.Time) {
			t.Helper()
			if got := i.Cameras()[0].LastSeen; !got.Equal(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		last(time.Time{})
		vectors := hub.NewVectors(prometheus.NewRegistry())
		feed := hub.New(vectors.Camera("a"))
		i.seen.follow("a", feed)
		last(time.Time{})
		time.Sleep(time.Second)
		feed.Begin(camera.Parameters{})
		last(time.Time{})
		feed.Packet(camera.Packet{Payload: []byte{0x41, 0x9a, 1, 2}, Timestamp: 1, Marker: true})
		came := time.Now()
		time.Sleep(time.Minute)
		last(came)
		i.seen.follow("a", hub.New(vectors.Camera("a"))) // the camera was changed, and its unit made anew
		time.Sleep(time.Minute)
		last(came)
		i.seen.forget("a")
		last(time.Time{})
	})
}

func TestHowManyPicturesComeInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInventory(t, eye("a", "people", ""))
		feed := hub.New(hub.NewVectors(prometheus.NewRegistry()).Camera("a"))
		i.seen.follow("a", feed)
		for n := range uint32(1000) {
			if n < 500 {
				feed.Packet(camera.Packet{Payload: []byte{0x41, 0x9a, 1, 2}, Timestamp: 3600 * n, Marker: true})
			}
			time.Sleep(40 * time.Millisecond)
			if got := i.Cameras()[0].FPS; n > 150 && n < 490 && (got < 24 || got > 26) || n > 900 && got != 0 {
				t.Fatalf("at %d: %v pictures a second", n, got)
			}
		}
	})
}

// A sink asks while a reload changes everything.
func TestCamerasDuringReloads(t *testing.T) {
	a := start(t, &service{}, door("a"), "")
	one, err := planOf(t, eye("a", "people", ""), files)
	if err != nil {
		t.Fatal(err)
	}
	two, err := planOf(t, eye("a", "people", "")+", "+eye("b", "scene", ""), files)
	if err != nil {
		t.Fatal(err)
	}
	known := a.inventory("m")
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for range 500 {
				for _, c := range known.Cameras() {
					_ = c.State + c.LastSeen.String()
				}
			}
		})
	}
	vectors := hub.NewVectors(prometheus.NewRegistry())
	for range 100 {
		for _, p := range []*Plan{two, one} {
			a.mu.Lock()
			a.plan = p
			a.mu.Unlock()
			a.seen.follow("b", hub.New(vectors.Camera("b")))
			a.board.Add("b", camera.Kind).Set("live", nil)
			a.board.Remove("b")
			a.seen.forget("b")
		}
	}
	asking.Wait()
	if got := known.Cameras(); len(got) != 1 || got[0].Name != "a" {
		t.Errorf("got %+v", got)
	}
}

func TestSinksThatGetInEachOthersWay(t *testing.T) {
	for sinks, want := range map[string]string{
		"m: {type: mqtt, url: mqtt://h, base: a}, f: {type: mqtt, url: mqtt://h, base: b}":                                    "",
		"m: {type: mqtt, url: mqtt://h}, f: {type: mqtt, url: mqtt://other}":                                                  "",
		"m: {type: mqtt, url: mqtt://h}, f: {type: mqtt, url: 'mqtt://H:1883'}":                                               "base",
		"m: {type: mqtt, url: mqtt://h, base: a, client_id: x}, f: {type: mqtt, url: mqtt://h, base: b, client_id: x}":        "client_id",
		"m: {type: mqtt, url: mqtt://h, base: a, client_id: x-f}, f: {type: mqtt, url: mqtt://h, client_id: 'x-{sink}'}":      "client_id",
		"m: {type: mqtt, url: mqtt://h, base: a, home_assistant: true}, f: {type: mqtt, url: mqtt://h, home_assistant: true}": "home_assistant",
		"m: {type: mqtt, url: nonsense}, f: {type: mqtt, url: mqtt://h}":                                                      "url",
	} {
		_, err := planOf(t, eye("a", "people", ""), sinks)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), ": "+want+": ") && !strings.Contains(err.Error(), "."+want+": ") {
			t.Errorf("%s: %v, want a problem with %q", sinks, err, want)
		}
	}
}
