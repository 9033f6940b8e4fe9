package file_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
)

func TestADiskThatIsFullKeepsWholeLinesAndTearsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	s := open(t, "path: "+path)
	disk := file.Between(s)
	batch := []result.Result{answer("1"), answer("2"), answer("3"), answer("4")}
	disk.FullAfterLines(2)
	taken, err := s.Deliver(t.Context(), batch)
	if taken != 2 || err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Fatalf("took %d: %v", taken, err)
	}
	if taken, err := s.Deliver(t.Context(), batch[2:]); taken != 0 || err == nil {
		t.Errorf("took %d: %v", taken, err)
	}
	disk.Repair()
	deliver(t, s, "3", "4")
	want(t, path, line("1"), line("2"), line("3"), line("4"))
}

func TestWhatCannotBeSyncedIsNotTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	s := open(t, "path: "+path)
	disk := file.Between(s)
	deliver(t, s, "1")
	disk.FailSync()
	taken, err := s.Deliver(t.Context(), []result.Result{answer("2"), answer("3")})
	if taken != 0 || err == nil || !strings.Contains(err.Error(), path+": input/output error") || file.Open(s) != 0 {
		t.Errorf("took %d, %d files are open: %v", taken, file.Open(s), err)
	}
	disk.Repair()
	deliver(t, s, "2", "3")
	want(t, path, line("1"), line("2"), line("3"), line("2"), line("3"))
}

func TestOneFileThatFailsHoldsBackWhatIsBehindIt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "path: "+dir+"/{camera}.jsonl")
	must(t, symlink("/etc", filepath.Join(dir, "b.jsonl")))
	batch := []result.Result{of("a", "1"), of("b", "2"), of("a", "3")}
	if taken, err := s.Deliver(t.Context(), batch); taken != 1 || err == nil || !strings.Contains(err.Error(), dir+"/b.jsonl") {
		t.Errorf("took %d: %v", taken, err)
	}
}

func TestABatchIsSyncedOnce(t *testing.T) {
	s := open(t, "path: "+t.TempDir()+"/r.jsonl")
	disk := file.Between(s)
	deliver(t, s, "1", "2", "3")
	deliver(t, s, "4", "5")
	if n := disk.Syncs.Load(); n != 2 {
		t.Errorf("synced %d times", n)
	}
}
