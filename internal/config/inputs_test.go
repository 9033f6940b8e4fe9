package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// folder is a configuration with everything that can change.
type folder struct {
	t      *testing.T
	path   string
	inputs config.Inputs
}

const following = `
include: [cameras.d/*.yaml, more.yaml]
overshoot: {keys: [{name: main, key_file: key}]}
watches: {people: {prompt: q, model: m, every: 2s, sinks: [archive]}}
sinks: {archive: {type: file, path: results.jsonl}}
cameras:
  - {name: door, source: rtsp://10.0.0.21/s, watches: [people], username: u, password_file: password}
`

func camera(name string) string {
	return "cameras:\n  - {name: " + name + ", source: rtsp://10.0.0.22/s, watches: [people]}\n"
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	f := &folder{t: t, path: t.TempDir()}
	if err := os.Mkdir(f.file("cameras.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	f.write("key", "ovs-key")
	f.write("password", "secret")
	f.write("more.yaml", camera("more"))
	f.write("cameras.d/a.yaml", camera("a"))
	f.write("main.yaml", following)
	f.mustLoad()
	return f
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

func (f *folder) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(f.file(name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) rename(from, to string) {
	f.t.Helper()
	if err := os.Rename(f.file(from), f.file(to)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) remove(name string) {
	f.t.Helper()
	if err := os.Remove(f.file(name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) load() error {
	opts := options()
	opts.Inputs = &f.inputs
	_, _, err := config.Load(f.file("main.yaml"), opts)
	return err
}

func (f *folder) mustLoad() {
	f.t.Helper()
	if err := f.load(); err != nil {
		f.t.Fatal(err)
	}
}

// settles reports what Changed says once everything stands still.
func (f *folder) settles() bool {
	f.t.Helper()
	first, second, third := f.inputs.Changed(), f.inputs.Changed(), f.inputs.Changed()
	if first || second != third {
		f.t.Errorf("Changed says %v, %v, %v in a row", first, second, third)
	}
	return third
}

func TestChangesOfInputsAreNoticed(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*folder)
		want   bool
	}{
		"nothing":                  {func(*folder) {}, false},
		"the main file":            {func(f *folder) { f.write("main.yaml", following+"# more\n") }, true},
		"the same text again":      {func(f *folder) { f.write("main.yaml", following) }, false},
		"renamed into its place":   {func(f *folder) { f.write("new", following+"#"); f.rename("new", "main.yaml") }, true},
		"the main file is gone":    {func(f *folder) { f.remove("main.yaml") }, true},
		"an included file":         {func(f *folder) { f.write("more.yaml", camera("other")) }, true},
		"a file of the pattern":    {func(f *folder) { f.write("cameras.d/a.yaml", camera("b")) }, true},
		"a new file":               {func(f *folder) { f.write("cameras.d/b.yaml", camera("b")) }, true},
		"a new file of other name": {func(f *folder) { f.write("cameras.d/b.yml", "") }, false},
		"a file less":              {func(f *folder) { f.remove("cameras.d/a.yaml") }, true},
		"a file renamed":           {func(f *folder) { f.rename("cameras.d/a.yaml", "cameras.d/b.yaml") }, true},
		"a password":               {func(f *folder) { f.write("password", "other") }, true},
		"an unrelated file":        {func(f *folder) { f.write("results.jsonl", "{}") }, false},
		"the API key":              {func(f *folder) { f.write("key", "ovs-other") }, false},
		"a folder of the name":     {func(f *folder) { f.remove("more.yaml"); f.mkdir("more.yaml") }, true},
		"a pipe of the name":       {func(f *folder) { f.remove("password"); f.pipe("password") }, true},
		"too large a file":         {func(f *folder) { f.write("password", strings.Repeat("x", 70_000)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			if f.settles() {
				t.Fatal("changed before anything did")
			}
			tc.change(f)
			if got := f.settles(); got != tc.want {
				t.Errorf("changed: %v, want %v", got, tc.want)
			}
		})
	}
}

func (f *folder) mkdir(name string) {
	if err := os.Mkdir(f.file(name), 0o700); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) pipe(name string) {
	if err := syscall.Mkfifo(f.file(name), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// A folder that is swapped by a link, as container platforms do with mounted configurations.
func TestAFolderBehindALinkIsSwapped(t *testing.T) {
	f := newFolder(t)
	for _, version := range []string{"v1", "v2"} {
		f.mkdir(version)
		f.write(version+"/main.yaml", minimal+"# "+version+"\n")
	}
	link := func(version string) {
		if err := os.Symlink(version, f.file("new")); err != nil {
			t.Fatal(err)
		}
		f.rename("new", "current")
	}
	link("v1")
	opts := options()
	opts.Inputs = &f.inputs
	if _, _, err := config.Load(f.file("current/main.yaml"), opts); err != nil {
		t.Fatal(err)
	}
	if f.settles() {
		t.Error("changed before the link was")
	}
	link("v2")
	if !f.settles() {
		t.Error("the swap goes unnoticed")
	}
}

// While somebody writes, nothing counts as changed, and what is as before in the end never does.
func TestAHalfWrittenFileIsNotTaken(t *testing.T) {
	f := newFolder(t)
	for end := range following[:40] {
		f.write("main.yaml", following[:end])
		if f.inputs.Changed() {
			t.Fatalf("taken after %d letters", end)
		}
	}
	f.write("main.yaml", following)
	if f.settles() {
		t.Error("taken although it is as before")
	}
}

// A mistake costs one load, and mending it in any of the files another.
func TestAFailedLoadIsTriedAgainWhenItsFilesChange(t *testing.T) {
	for name, tc := range map[string]struct{ damage, mend func(*folder) }{
		"syntax":             {func(f *folder) { f.write("main.yaml", "a: [") }, func(f *folder) { f.write("main.yaml", following) }},
		"new include":        {func(f *folder) { f.write("cameras.d/b.yaml", camera("a")) }, func(f *folder) { f.write("cameras.d/b.yaml", camera("b")) }},
		"missing include":    {func(f *folder) { f.remove("more.yaml") }, func(f *folder) { f.write("more.yaml", camera("more")) }},
		"missing password":   {func(f *folder) { f.remove("password") }, func(f *folder) { f.write("password", "again") }},
		"missing key":        {func(f *folder) { f.remove("key"); f.write("main.yaml", following+"#") }, func(f *folder) { f.write("key", "again") }},
		"unusable key":       {func(f *folder) { f.write("key", "a b"); f.write("main.yaml", following+"#") }, func(f *folder) { f.write("key", "again") }},
		"too large":          {func(f *folder) { f.write("password", strings.Repeat("x", 70_000)) }, func(f *folder) { f.write("password", "again") }},
		"missing at all":     {func(f *folder) { f.remove("main.yaml") }, func(f *folder) { f.write("main.yaml", following) }},
		"unreadable, folder": {func(f *folder) { f.remove("main.yaml"); f.mkdir("main.yaml") }, func(f *folder) { f.remove("main.yaml"); f.write("main.yaml", following) }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			tc.damage(f)
			if !f.settles() {
				t.Fatal("the damage goes unnoticed")
			}
			if err := f.load(); err == nil {
				t.Fatal("the damage is none")
			}
			if f.settles() {
				t.Error("the same mistake would be loaded again")
			}
			tc.mend(f)
			if !f.settles() {
				t.Error("the mended file goes unnoticed")
			}
			f.mustLoad()
			if f.settles() {
				t.Error("changed after a load")
			}
		})
	}
}

// A file without a text has several reasons, and a new reason is worth a new message.
func TestAnotherReasonIsAChange(t *testing.T) {
	f := newFolder(t)
	for _, worsen := range []func(){
		func() { f.remove("password") },
		func() { f.mkdir("password") },
		func() { f.remove("password"); f.write("password", "") },
	} {
		worsen()
		if !f.settles() {
			t.Error("another reason goes unnoticed")
		}
		if err := f.load(); err == nil {
			t.Error("it loads")
		}
	}
}

// Two cameras read one file, which changes between them.
func TestAChangeDuringALoadIsNoticed(t *testing.T) {
	f := newFolder(t)
	f.write("main.yaml", following+"  - {name: dock, source: \"rtsp://${HOST}/s\", watches: [people], username: u, password_file: password}\n")
	_, _, err := config.Load(f.file("main.yaml"), config.Options{Hostname: "h", Inputs: &f.inputs, LookupEnv: func(name string) (string, bool) {
		if name != "HOST" {
			return "", false
		}
		f.write("password", "changed")
		return "10.0.0.23", true
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !f.settles() {
		t.Error("the first camera stays with the old password")
	}
}

func TestPipesDoNotChangeNorBlock(t *testing.T) {
	f := newFolder(t)
	f.pipe("pipe.yaml")
	written := make(chan error)
	go func() { written <- os.WriteFile(f.file("pipe.yaml"), []byte(minimal), 0o600) }()
	opts := options()
	opts.Inputs = &f.inputs
	if _, _, err := config.Load(f.file("pipe.yaml"), opts); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if f.settles() {
		t.Error("a pipe changed")
	}
}

func TestInputsOfNothingNeverChange(t *testing.T) {
	var inputs config.Inputs
	for range 3 {
		if inputs.Changed() {
			t.Error("changed")
		}
	}
}
