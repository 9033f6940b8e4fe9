package file_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
)

func answer(id string) result.Result {
	return result.Result{
		ID: id, Sequence: 7, Time: time.Date(2026, 11, 22, 13, 37, 0, 0, time.UTC), Agent: "pi", Camera: "door", Watch: "people",
		StreamID: "s", Model: "m", OK: true, Answer: json.RawMessage(`"two <b>people</b>\nand a dog"`),
	}
}

func line(id string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"urn:overshoot:agent:pi/door","type":"ai.overshoot.result.v1",` +
		`"subject":"door/people","time":"2026-11-22T13:37:00Z","datacontenttype":"application/json","sequence":"00000000000000000007",` +
		`"data":{"camera":"door","watch":"people","prompt":"people","stream_id":"s","model":"m","ok":true,` +
		`"result":"two <b>people</b>\nand a dog","latency_ms":0,"usage":{"prompt_tokens":0,"completion_tokens":0},"replayed":false}}` + "\n"
}

func deliver(t *testing.T, s *file.Sink, ids ...string) {
	t.Helper()
	var batch []result.Result
	for _, id := range ids {
		batch = append(batch, answer(id))
	}
	if taken, err := s.Deliver(t.Context(), batch); err != nil || taken != len(ids) {
		t.Fatalf("took %d: %v", taken, err)
	}
}

// open makes a sink of settings.
func open(t *testing.T, settings string) *file.Sink {
	t.Helper()
	c, err := decode(settings)
	if err != nil {
		t.Fatal(err)
	}
	s := file.New(c)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func decode(settings string) (file.Config, error) {
	s, err := config.ParseSection("c.yaml", "type: file\n"+settings)
	if err != nil {
		return file.Config{}, err
	}
	return file.Decode(s)
}

func want(t *testing.T, path string, lines ...string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != strings.Join(lines, "") {
		t.Errorf("%s holds\n%swant\n%s", path, got, strings.Join(lines, ""))
	}
}

func TestEachResultIsOneLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	for _, ids := range [][]string{{"1", "2"}, {"3"}} { // as well after a restart
		s := open(t, "path: "+path)
		deliver(t, s, ids...)
	}
	want(t, path, line("1"), line("2"), line("3"))
}

func TestTheFolderIsMadeAndOthersMayNotLook(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := filepath.Join(t.TempDir(), "a", "b", "r.jsonl")
	s := open(t, "path: "+path)
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("the folder was made before the first delivery")
	}
	deliver(t, s, "1")
	for name, want := range map[string]os.FileMode{path: 0o640, filepath.Dir(path): 0o750} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %v, want %v", name, got, want)
		}
	}
}

func TestATornLastLineIsCut(t *testing.T) {
	for name, tc := range map[string]struct{ before, kept string }{
		"whole lines":             {line("1") + line("2"), line("1") + line("2")},
		"torn":                    {line("1") + line("2")[:40], line("1")},
		"nothing but torn":        {line("1")[:40], ""},
		"torn and long":           {line("1") + strings.Repeat("x", 3*4096+5), line("1")},
		"one block":               {line("1") + strings.Repeat("x", 4096), line("1")},
		"zeros after a power cut": {line("1") + strings.Repeat("\x00", 5000), line("1")},
		"empty":                   {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.jsonl")
			if err := os.WriteFile(path, []byte(tc.before), 0o640); err != nil {
				t.Fatal(err)
			}
			s := open(t, "path: "+path)
			deliver(t, s, "9")
			want(t, path, tc.kept, line("9"))
		})
	}
}

func TestAFileThatWasMovedAwayIsOpenedAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	s := open(t, "path: "+path)
	deliver(t, s, "1")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, "2")
	want(t, path+".1", line("1"))
	want(t, path, line("2"))
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, "3")
	want(t, path, line("3"))
}

func TestAPlaceThatCannotBeWrittenIsAnErrorUntilItCan(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "disk", "r.jsonl")
	if err := os.WriteFile(filepath.Join(dir, "disk"), nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	s := open(t, "path: "+path)
	if taken, err := s.Deliver(t.Context(), []result.Result{answer("1")}); taken != 0 || err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "disk")); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, "1")
	want(t, path, line("1"))
}

func TestAFullDisk(t *testing.T) {
	s := open(t, "path: "+"/dev/full") // takes no byte, as a disk without space
	for range 2 {
		if taken, err := s.Deliver(t.Context(), []result.Result{answer("1")}); taken != 0 || err == nil || !strings.Contains(err.Error(), "no space left on device") {
			t.Errorf("got %v", err)
		}
	}
}

func TestSettings(t *testing.T) {
	if c, err := decode("path: /x/r.jsonl"); err != nil || c.Path != "/x/r.jsonl" || c.Rotate != (file.Rotate{}) {
		t.Errorf("got %+v, %v", c, err)
	}
	c, err := decode("path: /x/{camera}/{watch}-{date}.jsonl\nrotate: {size: 64MiB, every: 1d, keep: 7, gzip: true}")
	if want := (file.Rotate{Size: 64 << 20, Every: config.Duration(24 * time.Hour), Keep: 7, Gzip: true}); err != nil || c.Rotate != want {
		t.Errorf("got %+v, %v", c, err)
	}
	for settings, want := range map[string]string{
		"path: ''":                                   "path: ",
		"pth: /x":                                    `did you mean "path"?`,
		"path: /x/{cam}.jsonl":                       "unknown variable {cam}",
		"path: /x/{camera}/":                         "is a folder",
		"path: /x/{camera}/../../r.jsonl":            "has .. after a variable",
		"path: /x/r\nrotate: {size: 64}":             "64MiB",
		"path: /x/r\nrotate: {size: 1KiB}":           "64KiB or more",
		"path: /x/r\nrotate: {size: 99999999999GiB}": "64MiB",
		"path: /x/r\nrotate: {every: 1s}":            "1m or more",
		"path: /x/r\nrotate: {keep: 3}":              "never happens",
		"path: /x/r\nrotate: {size: 1MiB, keep: -1}": "keep: -1",
	} {
		if _, err := decode(settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", settings, err, want)
		}
	}
}
