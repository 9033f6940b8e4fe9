package lease_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// asVictim names the variable that makes this test binary a process that creates and deletes streams until it is killed.
const asVictim = "LEASE_TEST_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(asVictim); folder != "" {
		beVictim(folder)
	}
	os.Exit(m.Run())
}

// beVictim says what it does before it does it, and what the journal has to know from then on.
func beVictim(folder string) {
	api := &fakeAPI{ttl: time.Minute}
	api.onDelete = func() error { fmt.Println("deleting"); return nil }
	api.onCreate = func(context.Context, int) error { fmt.Println("creating"); return nil }
	for {
		ctx, cancel := context.WithCancel(context.Background())
		k := &lease.Keeper{
			Use:     func(_ context.Context, l *lease.Lease) error { fmt.Println("using", l.ID); cancel(); return nil },
			Journal: openBooks(folder, "boot").Journal, Log: zap.NewNop(),
			Metrics: lease.NewVectors(prometheus.NewRegistry()).Camera("c"),
			Part:    status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", lease.Kind),
		}
		if err := k.Run(ctx, api, here); err != nil {
			fmt.Println("failed:", err)
		}
	}
}

// The process is killed for real here, in the middle of whatever it does to the file.
func TestTheJournalSurvivesSIGKILL(t *testing.T) {
	for round := range 8 {
		folder := t.TempDir()
		last := killAfter(t, folder, 3+round)
		b := openBooks(folder, "boot")
		if got := metric(t, b.reg, "journal_damaged_total"); got != 0 {
			t.Fatalf("round %d: the journal is damaged", round)
		}
		ids := []string{}
		for _, e := range b.Entries() {
			ids = append(ids, e.ID)
		}
		switch id, using := strings.CutPrefix(last, "using "); {
		case using && !slices.Equal(ids, []string{id}):
			t.Errorf("round %d: killed while it used %s, the journal has %q", round, id, ids)
		case last == "creating" && len(ids) != 1:
			t.Errorf("round %d: killed while it created a stream, the journal has %q", round, ids)
		case last == "deleting" && len(ids) > 1:
			t.Errorf("round %d: killed while it deleted a stream, the journal has %q", round, ids)
		}
		if halves, _ := filepath.Glob(filepath.Join(folder, ".leases.json*")); len(halves) != 0 {
			t.Errorf("round %d: halves are left: %v", round, halves)
		}
	}
}

// killAfter lets a victim live for some lines and returns the last it said.
func killAfter(t *testing.T, folder string, lines int) (last string) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), asVictim+"="+folder)
	said, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(said)
	for n := 0; scanner.Scan(); n++ {
		if last = scanner.Text(); strings.HasPrefix(last, "failed") {
			t.Error(last)
		}
		if n == lines {
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = victim.Wait()
	return last
}
