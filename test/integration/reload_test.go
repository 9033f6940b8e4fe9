package integration

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The configuration is edited at random and reloaded again and again while five cameras are at work. Cameras that an edit does not touch
// notice nothing of it, and a changed one goes on with its stream.
//
// Not parallel: this test counts lost pictures.
func TestReloadUnderLoad(t *testing.T) {
	f := newFleet(t, 5)
	f.every, f.level = "500ms", "info"
	f.camera3().watch = "edited"
	a := f.start()
	r := &reloads{fleet: f, a: a, dice: rand.New(rand.NewPCG(7, 1)), all: slices.Clone(f.cameras), done: map[string]int{}}
	r.held = f.waitHeld(a, 5)
	a.waitEvents("cam-2/counter", 4)
	first, goroutines, files := r.held, a.metric("go_goroutines"), a.metric("process_open_fds")
	for range scale(12, 100) {
		r.round()
	}
	r.checkUntouched(first, "cam-1", "cam-2")
	f.checkMost()
	r.restore()
	const growth = 8 // connections come and go
	eventually(t, fmt.Sprintf("goroutines and open files are as few as before, %v and %v", goroutines, files), func() bool {
		return a.metric("go_goroutines") <= goroutines+growth && a.metric("process_open_fds") <= files+growth
	})
	t.Logf("reloads: %v; goroutines %v before and %v after, open files %v and %v",
		r.done, goroutines, a.metric("go_goroutines"), files, a.metric("process_open_fds"))
	a.stop(syscall.SIGTERM)
	checkReleased(t, f.s)
}

// reloads is what is known of an agent that is reloaded again and again. Of its cameras 1 and 2 are never touched, 3 is changed, 4 is
// removed and added, and 5 is disabled and enabled.
type reloads struct {
	*fleet
	a    *agent
	dice *rand.Rand
	all  []fleetCamera     // as they were at first
	held map[string]string // the streams that the agent has to hold
	done map[string]int    // how often each edit was made
}

// camera3 is the camera that is changed. Cameras behind it come and go, so it stays where it is.
func (f *fleet) camera3() *fleetCamera { return &f.cameras[2] }

// round makes one edit, has it loaded in one of the ways, and checks what became of all streams.
func (r *reloads) round() {
	r.t.Helper()
	edits := []struct {
		name string
		load func()
	}{
		{"prompt", func() { r.prompt = fmt.Sprintf("What is the counter now, %d?", r.done["prompt"]); r.load() }},
		{"priority", func() { r.camera3().priority = r.dice.IntN(100); r.load() }},
		{"sink path", r.moveResults},
		{"camera removed or added", func() { r.toggle("cam-4"); r.load() }},
		{"camera disabled or enabled", func() { r.toggleEnabled("cam-5"); r.load() }},
		{"bad file", r.loadBad},
	}
	edit := edits[r.dice.IntN(len(edits))]
	r.done[edit.name]++
	edit.load()
	r.checkStreams(edit.name)
}

func (r *reloads) moveResults() {
	r.t.Helper()
	r.results = fmt.Sprintf("results-%d.jsonl", r.done["sink path"])
	r.load()
	eventually(r.t, "results are in "+r.results, func() bool {
		text, err := os.ReadFile(filepath.Join(r.dir, r.results))
		return err == nil && len(text) > 0
	})
}

// toggle removes a camera from the configuration or adds it again.
func (r *reloads) toggle(name string) {
	named := func(c fleetCamera) bool { return c.name == name }
	if slices.ContainsFunc(r.cameras, named) {
		r.cameras = slices.DeleteFunc(r.cameras, named)
	} else {
		r.cameras = append(r.cameras, r.all[slices.IndexFunc(r.all, named)])
	}
}

func (r *reloads) toggleEnabled(name string) {
	for i := range r.cameras {
		if r.cameras[i].name == name {
			r.cameras[i].disabled = !r.cameras[i].disabled
		}
	}
}

// load has the configuration as it is now loaded, by signal or by request, and blocks until that was done.
func (r *reloads) load() {
	r.t.Helper()
	r.write()
	if r.dice.IntN(2) == 0 {
		r.a.hangUp()
	} else if code, text := r.a.post("/-/reload", nil); code != http.StatusOK {
		r.t.Errorf("POST /-/reload of a good file: %d %s", code, text)
	}
	r.a.checkConfig("current", 1)
}

// loadBad does the same with a file that cannot be used, and checks that this is told everywhere, with the place.
func (r *reloads) loadBad() {
	r.t.Helper()
	mistake := fmt.Sprintf("many-%d", r.done["bad file"])
	before, after, _ := strings.Cut(r.text(), "max_tokens: 77")
	r.writeText(before + "max_tokens: " + mistake + after)
	place := fmt.Sprintf("%s:%d:", filepath.Join(r.dir, configName), 1+strings.Count(before, "\n"))
	if r.dice.IntN(2) == 0 {
		must(r.t, r.a.cmd.Process.Signal(syscall.SIGHUP))
	} else if code, text := r.a.post("/-/reload", nil); code != http.StatusBadRequest || !strings.Contains(text, place) || !strings.Contains(text, mistake) {
		r.t.Errorf("POST /-/reload of a bad file: %d %s, want 400 with %q and %q", code, text, place, mistake)
	}
	r.a.waitRejected(place, mistake)
}

// waitRejected blocks until the agent tells that a configuration was rejected with these words: on the status page, in the log and as metric.
func (a *agent) waitRejected(words ...string) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("the agent says that the configuration was rejected: %q", words), func() bool {
		_, trouble := a.part("agent", "config")
		for _, word := range words {
			if !strings.Contains(trouble, word) {
				return false
			}
		}
		return a.warned(append(words, "rejected")...)
	})
	a.checkConfig("rejected", 0)
}

// checkConfig fails the test unless the agent says this of its newest configuration.
func (a *agent) checkConfig(want string, metric float64) {
	a.t.Helper()
	if state, trouble := a.part("agent", "config"); state != want || (state == "current") != (trouble == "") {
		a.t.Errorf("the newest configuration is %q (%s), want %q", state, trouble, want)
	}
	if got := a.metric("overshoot_agent_config_last_reload_successful"); got != metric {
		a.t.Errorf("config_last_reload_successful is %v, want %v", got, metric)
	}
}

// checkStreams waits until just the cameras of the configuration stream, and checks that those of before still have the same stream.
func (r *reloads) checkStreams(edit string) {
	r.t.Helper()
	want := 0
	for _, c := range r.cameras {
		if !c.disabled {
			want++
		}
	}
	before := r.held
	r.held = r.waitHeld(r.a, want)
	r.checkNoOrphans(r.held)
	gone := map[string]string{}
	for camera, id := range before {
		switch now := r.held[camera]; now {
		case id:
		case "":
			gone[camera] = id
		default:
			r.t.Errorf("%s: %s has the stream %s, and before it was %s", edit, camera, now, id)
		}
	}
	r.checkReleased(gone)
}

// checkUntouched checks that cameras have had the same stream all the time, to which every picture came over one connection.
func (r *reloads) checkUntouched(first map[string]string, cameras ...string) {
	r.t.Helper()
	for _, camera := range cameras {
		if r.held[camera] != first[camera] {
			r.t.Errorf("%s has the stream %s, and at first it was %s", camera, r.held[camera], first[camera])
		}
		stream := r.s.activeByID()[first[camera]]
		if stream.Camera != camera || stream.LostPictures > 0 || stream.Media.LostPackets > 0 || stream.Media.Joins != 1 {
			r.t.Errorf("something of %s was lost: %+v", camera, stream)
		}
		r.t.Logf("%s: %d pictures in one stream, %d lost", camera, stream.Frames, stream.LostPictures)
	}
}

// restore loads the first configuration again.
func (r *reloads) restore() {
	r.t.Helper()
	r.cameras = slices.Clone(r.all)
	r.load()
	r.checkStreams("back to the beginning")
}

// hangUp sends SIGHUP and blocks until the configuration was reloaded.
func (a *agent) hangUp() {
	a.t.Helper()
	before := a.reloads()
	must(a.t, a.cmd.Process.Signal(syscall.SIGHUP))
	eventually(a.t, "SIGHUP reloads the configuration", func() bool { return a.reloads() > before })
}

// reloads counts the reloads that the log tells of.
func (a *agent) reloads() int {
	return strings.Count(a.stderr.String(), `"msg":"configuration reloaded"`)
}

// post sends a request without a body, and returns the status code and the text of the answer.
func (a *agent) post(page string, header http.Header) (int, string) {
	a.t.Helper()
	request, err := http.NewRequest(http.MethodPost, a.base+page, nil)
	must(a.t, err)
	request.Header = header
	client := http.Client{Timeout: patience}
	response, err := client.Do(request)
	must(a.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(a.t, err)
	_, _ = a.pages.Write(text)
	return response.StatusCode, string(text)
}

// A page of somebody else in the browser of somebody who can reach the agent must not be able to change anything. Only POST reloads.
func TestReloadIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	a := f.start()
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://elsewhere.example"}}, {"Origin": {"null"}},
	} {
		if code, text := a.post("/-/reload", header); code != http.StatusForbidden {
			t.Errorf("with %v: %d %s, want 403", header, code, text)
		}
	}
	if code, text := a.get("/-/reload"); code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d %s, want 405", code, text)
	}
	if code, text := a.post("/-/reload", http.Header{"Origin": {a.base}, "Sec-Fetch-Site": {"same-origin"}}); code != http.StatusOK {
		t.Errorf("from its own page: %d %s", code, text)
	}
	eventually(t, "the one reload is told of", func() bool { return a.reloads() > 0 })
	if n := a.reloads(); n != 1 {
		t.Errorf("%d reloads", n)
	}
}

// With watch_config a changed file is loaded by itself, when it is complete; one that cannot be used is told of.
func TestReloadOfAChangedFile(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, "--no-decode")
	both := f.cameras
	f.more, f.cameras = "watch_config: true", both[:1]
	a := f.start()
	first := f.waitHeld(a, 1)

	f.cameras = both
	f.write()
	second := f.waitHeld(a, 2)
	if second["cam-1"] != first["cam-1"] {
		t.Errorf("cam-1 has the stream %s, and before it was %s", second["cam-1"], first["cam-1"])
	}
	before, after, _ := strings.Cut(f.text(), "every: 1s")
	f.writeText(before + "every: rarely" + after)
	a.waitRejected(fmt.Sprintf("%s:%d:", filepath.Join(f.dir, configName), 1+strings.Count(before, "\n")), "rarely")

	f.cameras = both[:1]
	f.write()
	eventually(t, "the stream of the camera that was removed is gone", func() bool { return f.s.activeByID()[second["cam-2"]].ID == "" })
	if now := f.waitHeld(a, 1); now["cam-1"] != first["cam-1"] {
		t.Errorf("cam-1 has the stream %s, and before it was %s", now["cam-1"], first["cam-1"])
	}
	f.checkReleased(map[string]string{"cam-2": second["cam-2"]})
	a.waitPart("agent", "config", "current")
	if n := a.reloads(); n != 2 {
		t.Errorf("%d reloads of 2 good files", n)
	}
	a.stop(syscall.SIGTERM)
}
