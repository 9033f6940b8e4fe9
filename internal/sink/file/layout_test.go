package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
)

func symlink(to, path string) error { return os.Symlink(to, path) }

// of returns a result of a camera.
func of(camera, id string) result.Result {
	r := answer(id)
	r.Camera = camera
	return r
}

// filesIn returns the paths of all files below a folder.
func filesIn(t *testing.T, dir string) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(dir, path)
			all = append(all, path)
		}
		return err
	}))
	return all
}

func TestEachCameraHasItsFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "path: "+dir+"/of-{camera}/{watch}-{date}.jsonl")
	batch := []result.Result{of("a", "1"), of("b", "2"), of("a", "3"), of("a", "4")}
	if taken, err := s.Deliver(t.Context(), batch); taken != 4 || err != nil {
		t.Fatalf("took %d: %v", taken, err)
	}
	if got := filesIn(t, dir); !slices.Equal(got, []string{"of-a/people-2026-11-22.jsonl", "of-b/people-2026-11-22.jsonl"}) {
		t.Errorf("there are %v", got)
	}
	if got := idsIn(t, dir); !slices.Equal(got, []string{"1", "3", "4", "2"}) {
		t.Errorf("they hold %v", got)
	}
}

func TestNoNameLeavesTheFolder(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "results")
	s := open(t, "path: "+dir+"/{camera}/r.jsonl")
	cameras := []string{"..", ".", "", "/etc/passwd", "../../x", "a/../../b", "a\x00b", "-rf", ".hidden", "a b", "Tür", "\xff", "\u202e", strings.Repeat("ü/", 300)}
	for i, camera := range cameras {
		if _, err := s.Deliver(t.Context(), []result.Result{of(camera, fmt.Sprint(i))}); err != nil {
			t.Errorf("%q: %v", camera, err)
		}
	}
	if got := filesIn(t, outside); len(got) != len(cameras) {
		t.Errorf("%d names made the files %q", len(cameras), got)
	}
	for _, path := range filesIn(t, outside) {
		if !strings.HasPrefix(path, "results/") || strings.Count(path, "/") != 2 {
			t.Errorf("there is %s", path)
		}
	}
}

func TestALinkInTheFolderLeadsNowhereElse(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	must(t, symlink(elsewhere, filepath.Join(dir, "door")))
	s := open(t, "path: "+dir+"/{camera}/r.jsonl")
	if taken, err := s.Deliver(t.Context(), []result.Result{of("door", "1")}); taken != 0 || err == nil {
		t.Errorf("took %d", taken)
	}
	if got := filesIn(t, elsewhere); len(got) > 0 {
		t.Errorf("it wrote %v", got)
	}
}

func TestTheOneFileMayBeALink(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "there.jsonl")
	must(t, os.WriteFile(elsewhere, nil, 0o600))
	must(t, symlink(elsewhere, filepath.Join(dir, "r.jsonl")))
	s := open(t, "path: "+dir+"/r.jsonl")
	deliver(t, s, "1")
	want(t, elsewhere, line("1"))
	must(t, os.Remove(elsewhere)) // or moved away: the link stays, and leads to nothing
	deliver(t, s, "2")
	want(t, elsewhere, line("2"))
}

func TestALinkMayLeadToAFileThatIsNotThereYet(t *testing.T) {
	dir, there := t.TempDir(), t.TempDir()
	must(t, os.MkdirAll(there+"/deep/er", 0o700))
	must(t, symlink(there+"/deep/er", filepath.Join(dir, "folder")))
	must(t, symlink("../second.jsonl", there+"/deep/er/first.jsonl"))
	must(t, symlink("folder/first.jsonl", filepath.Join(dir, "r.jsonl")))
	deliver(t, open(t, "path: "+dir+"/r.jsonl"), "1")
	want(t, there+"/deep/second.jsonl", line("1"))

	must(t, symlink("round.jsonl", filepath.Join(dir, "round.jsonl")))
	if taken, err := open(t, "path: "+dir+"/round.jsonl").Deliver(t.Context(), []result.Result{answer("1")}); taken != 0 || err == nil {
		t.Errorf("took %d", taken)
	}
}

func TestTidyingStaysInTheFolder(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	for _, name := range []string{"r-20261122T133700.123Z.jsonl", "r-20261123T133700.123Z.jsonl"} {
		must(t, os.WriteFile(filepath.Join(elsewhere, name), nil, 0o600))
	}
	must(t, symlink(elsewhere, filepath.Join(dir, "door")))
	if err := file.TidyUp(dir, "door/r.jsonl"); err == nil || len(filesIn(t, elsewhere)) != 2 {
		t.Errorf("it left %v, %v", filesIn(t, elsewhere), err)
	}
}

func TestFewFilesStayOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "path: "+dir+"/{camera}.jsonl")
	var batch []result.Result
	for i := range 100 {
		batch = append(batch, of(fmt.Sprint("c", i), fmt.Sprint(i)))
	}
	for range 2 {
		if taken, err := s.Deliver(t.Context(), batch); taken != 100 || err != nil {
			t.Fatalf("took %d: %v", taken, err)
		}
		if n := file.Open(s); n != 32 {
			t.Errorf("%d files are open", n)
		}
	}
	if got := idsIn(t, dir); len(got) != 200 {
		t.Errorf("they hold %d results", len(got))
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", ".", "..", "a", "a.b", "a/b", "%2f", "\xff", "\ufffd", "a\x00"} {
		f.Add(seed, "a%2fb")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		clean := file.Clean(a)
		if clean == "" || clean[0] == '.' || strings.ContainsAny(clean, "/\\\x00\n\x1b ") || len(clean) > 120 {
			t.Errorf("%q became %q", a, clean)
		}
		if a != b && clean == file.Clean(b) {
			t.Errorf("%q and %q became the same", a, b)
		}
	})
}
