package integration

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A second agent on the state folder of the first one leaves at once, and the first does not notice.
func TestTwoAgentsOnOneStateFolder(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	first := f.start()
	held := f.waitHeld(first, 2)

	path := filepath.Join(t.TempDir(), configName)
	must(t, os.WriteFile(path, []byte(f.text()), 0o600))
	code, printed := runAgent(t, "run", "--config", path)
	f.s.secrets.check(t, map[string]string{"the output": printed})
	if code != 75 {
		t.Errorf("exit code %d, want 75", code)
	}
	for _, want := range []string{f.stateDir(), "another overshoot-agent", "pid " + strconv.Itoa(first.cmd.Process.Pid)} {
		if !strings.Contains(printed, want) {
			t.Errorf("the second agent does not say %q: %s", want, printed)
		}
	}
	first.waitEvents("cam-1/counter", 2)
	if now := first.held(); !maps.Equal(now, held) {
		t.Errorf("the first agent holds %v, and before it was %v", now, held)
	}
	if n := len(f.s.calls("create")); n != 2 {
		t.Errorf("%d streams were made for 2 cameras", n)
	}
	first.stop(syscall.SIGTERM)
	f.checkReleased(held)
	last := f.start() // the folder is free again
	f.waitHeld(last, 2)
}

// on_shutdown says whether the streams live on for the next start.
func TestStreamsAreKeptForTheNextStart(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.more = "on_shutdown: keep"
	first := f.start()
	held := f.waitHeld(first, 2)
	first.waitEvents("cam-2/counter", 1)
	first.stop(syscall.SIGTERM)
	for id, stream := range f.s.activeByID() {
		if stream.Publisher {
			t.Errorf("somebody still publishes to stream %s", id)
		}
	}
	f.checkNoOrphans(held)

	f.more = "on_shutdown: release"
	second := f.start()
	if now := f.waitHeld(second, 2); !maps.Equal(now, held) {
		t.Errorf("the second agent holds %v, and the first left %v", now, held)
	}
	second.waitEvents("cam-2/counter", 2)
	if newest := second.newest(); newest.Data.StreamID != held[newest.Data.Camera] {
		t.Errorf("the newest result is about the stream %s, want %s", newest.Data.StreamID, held[newest.Data.Camera])
	}
	if n := len(f.s.calls("create")); n != 2 {
		t.Errorf("%d streams were made for 2 cameras", n)
	}
	second.stop(syscall.SIGTERM)
	f.checkReleased(held)
	if left := f.journal(); len(left) > 0 {
		t.Errorf("the journal still has %+v", left)
	}
}

// What the next start cannot use of the streams that were kept is deleted: that of a camera which is gone, and one on a key which has
// another name now. One whose lease ran out meanwhile is replaced.
func TestTheNextStartSweeps(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.more, f.keys = "on_shutdown: keep", []string{"main", "second"}
	first := f.start()
	held := f.waitHeld(first, 3)
	var renamed string
	for camera, id := range held {
		if f.s.activeByID()[id].Key == "second" {
			renamed = camera
		}
	}
	first.stop(syscall.SIGTERM)
	others := slices.DeleteFunc(slices.Clone(f.cameras), func(c fleetCamera) bool { return c.name == renamed })
	expired, gone := others[0].name, others[1].name
	f.s.do(http.MethodPost, "/streams/"+held[expired]+"/expire", "")

	f.more = "on_shutdown: release"
	f.cameras = slices.DeleteFunc(f.cameras, func(c fleetCamera) bool { return c.name == gone })
	f.writeText(strings.Replace(f.text(), "name: second", "name: another", 1))
	second := startAgentIn(t, f.s, f.dir)
	eventually(t, "no stream of before is left", func() bool {
		active := f.s.activeByID()
		return active[held[gone]].ID == "" && active[held[renamed]].ID == ""
	})
	f.checkReleased(map[string]string{gone: held[gone], renamed: held[renamed]})
	now := f.waitHeld(second, 2)
	f.checkNoOrphans(now)
	if n := second.metric("overshoot_agent_streams_orphaned_total", "outcome", "deleted"); n != 2 {
		t.Errorf("%v orphans are counted, want 2", n)
	}
	second.stop(syscall.SIGTERM)
	f.checkReleased(now)
}

// A journal that cannot be read does not keep the agent from starting, and stays for a person to look at.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	for name, text := range map[string]string{
		"empty": "", "garbage": "\x00\x01{{", "cut": `{"version": 1, "streams": [{"camera": "cam-1", "ke`, "from the future": `{"version": 99}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := *f
			f.t, f.dir = t, t.TempDir()
			must(t, os.MkdirAll(f.stateDir(), 0o750))
			must(t, os.WriteFile(f.journalPath(), []byte(text), 0o600))
			a := f.start()
			held := f.waitHeld(a, 1)
			kept, err := filepath.Glob(f.journalPath() + ".corrupt-*")
			must(t, err)
			if len(kept) != 1 {
				t.Fatalf("the damaged journal was kept as %v", kept)
			}
			if got, err := os.ReadFile(kept[0]); err != nil || string(got) != text {
				t.Errorf("it was kept with the text %q, %v", got, err)
			}
			if n := a.metric("overshoot_agent_journal_damaged_total"); n != 1 {
				t.Errorf("%v damaged journals are counted", n)
			}
			if !a.warned("journal", kept[0]) {
				t.Error("the log does not say what became of the journal")
			}
			if streams := f.journal(); len(streams) != 1 || streams[0].ID != held["cam-1"] {
				t.Errorf("the new journal has %+v, want the stream %s", streams, held["cam-1"])
			}
			a.stop(syscall.SIGTERM)
			f.checkReleased(held)
		})
	}
}

// warned tells whether the log has a line of level warn or above with all of these words.
func (a *agent) warned(words ...string) bool {
	a.t.Helper()
	for line := range strings.Lines(a.stderr.String()) {
		all := strings.Contains(line, `"level":"warn"`) || strings.Contains(line, `"level":"error"`)
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			return true
		}
	}
	return false
}
