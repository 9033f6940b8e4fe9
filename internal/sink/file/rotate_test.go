package file_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
)

// large returns results of some 10 KB each.
func large(first, n int) (batch []result.Result) {
	for i := range n {
		r := answer(fmt.Sprint(first + i))
		r.Answer = []byte(`"` + strings.Repeat("x", 10_000) + `"`)
		batch = append(batch, r)
	}
	return batch
}

func TestRotationBySize(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.jsonl")
	s := open(t, "path: "+path+"\nrotate: {size: 64KiB, keep: 3, gzip: true}")
	for i := range 10 { // 600 KB, by which it is put aside 9 times, also within a batch
		if taken, err := s.Deliver(t.Context(), large(6*i, 6)); taken != 6 || err != nil {
			t.Fatalf("took %d: %v", taken, err)
		}
	}
	file.Wait(s)
	all := filesIn(t, dir)
	if len(all) != 4 {
		t.Fatalf("there are %v", all)
	}
	var ids []string
	for _, name := range all {
		if name != "r.jsonl" && !regexp.MustCompile(`^r-\d{8}T\d{6}\.\d{3}Z\.jsonl\.gz$`).MatchString(name) {
			t.Errorf("there is %s", name)
		}
		text := plain(t, filepath.Join(dir, name))
		if len(text) > 64<<10 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		for l := range strings.Lines(text) {
			var r result.Result
			must(t, r.UnmarshalJSON([]byte(l)))
			ids = append(ids, r.ID)
		}
	}
	if last := ids[len(ids)-1]; last != "59" || len(ids) < 20 {
		t.Errorf("they hold %v", ids)
	}
	for i, id := range ids[1:] {
		if want := fmt.Sprint(60 - len(ids) + i + 1); id != want {
			t.Fatalf("after %s comes %s, want %s", ids[i], id, want)
		}
	}
}

// plain reads a file, compressed or not.
func plain(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer func() { _ = f.Close() }()
	var from io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if info, _ := f.Stat(); info.Mode().Perm()&^0o640 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		from, err = gzip.NewReader(f)
		must(t, err)
	}
	text, err := io.ReadAll(from)
	must(t, err)
	return string(text)
}

func TestAResultLargerThanAFileHasOneOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "path: "+dir+"/r.jsonl\nrotate: {size: 64KiB}")
	huge := answer("2")
	huge.Answer = []byte(`"` + strings.Repeat("x", 100_000) + `"`)
	batch := []result.Result{answer("1"), huge, answer("3")}
	if taken, err := s.Deliver(t.Context(), batch); taken != 3 || err != nil {
		t.Fatalf("took %d: %v", taken, err)
	}
	if got := filesIn(t, dir); len(got) != 3 || !slices.Equal(idsIn(t, dir), []string{"1", "2", "3"}) {
		t.Errorf("%v hold %v", got, idsIn(t, dir))
	}
}

func TestRotationByAge(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.jsonl")
	const settings = "\nrotate: {every: 1d, keep: 5}"
	s := open(t, "path: "+path+settings)
	deliver(t, s, "1")
	deliver(t, s, "2")
	if got := filesIn(t, dir); len(got) != 1 && time.Now().UTC().Hour() != 0 {
		t.Errorf("there are %v", got)
	}
	before := len(filesIn(t, dir))
	must(t, s.Close())
	yesterday := time.Now().Add(-24 * time.Hour)
	must(t, os.Chtimes(path, yesterday, yesterday)) // an agent that did not run at midnight
	must(t, os.WriteFile(filepath.Join(dir, "r-old.jsonl"), nil, 0o600))
	s = open(t, "path: "+path+settings)
	deliver(t, s, "3")
	file.Wait(s)
	if got := filesIn(t, dir); len(got) != before+2 || !slices.Contains(got, "r-old.jsonl") {
		t.Errorf("there are %v", got)
	}
	want(t, path, line("3"))
	tomorrow := time.Now().Add(48 * time.Hour)
	must(t, os.Chtimes(path, tomorrow, tomorrow)) // the clock was set back
	must(t, s.Close())
	deliver(t, open(t, "path: "+path+settings), "4")
	want(t, path, line("3"), line("4"))
}

func BenchmarkDeliver(b *testing.B) {
	for _, variables := range []string{"", "{camera}-"} {
		b.Run("results"+variables, func(b *testing.B) {
			c, err := decode("path: " + b.TempDir() + "/" + variables + "r.jsonl\nrotate: {size: 64MiB, keep: 2}")
			if err != nil {
				b.Fatal(err)
			}
			s := file.New(c)
			batch := make([]result.Result, 64) // what the loop delivers at once
			for i := range batch {
				batch[i] = of(fmt.Sprint("c", i%5), fmt.Sprint(i))
			}
			n := 0
			for b.Loop() {
				taken, err := s.Deliver(b.Context(), batch)
				if err != nil {
					b.Fatal(err)
				}
				n += taken
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "results/s")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
