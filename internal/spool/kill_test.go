package spool_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// asVictim makes this test binary a process that appends and delivers until it is killed, asInTmpfs one that has a small disk of its own.
const (
	asVictim  = "SPOOL_TEST_FOLDER"
	asInTmpfs = "SPOOL_TEST_TMPFS"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(asVictim); folder != "" {
		beVictim(folder)
	}
	os.Exit(m.Run())
}

// beVictim says what is accepted after it is, and what a sink has before the spool knows.
func beVictim(folder string) {
	o := optionsFor(folder)
	o.Part = status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("spool", spool.Kind)
	o.Meters = spool.NewMeters(prometheus.NewRegistry())
	s := spool.Open(o)
	fmt.Println("ready", o.Part.View().State)
	q, err := s.Queue("up")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			batch, err := q.Next(context.Background(), 64)
			if err != nil {
				panic(err)
			}
			var said strings.Builder
			for _, r := range batch {
				fmt.Fprintln(&said, "took", r.Sequence)
			}
			os.Stdout.WriteString(said.String())
			q.Done(len(batch))
		}
	}()
	for {
		n := s.Sequences().Next("door", "people")
		receipt, err := s.Append(context.Background(), anAnswer("door", n, 500+rand.IntN(1500)), []string{"up", "down"})
		if err == nil {
			err = receipt.Wait(context.Background())
		}
		if err != nil {
			panic(err)
		}
		fmt.Println("accepted", n)
	}
}

// The process is killed for real, again and again on the same files, in the middle of whatever it does to them.
func TestWhatIsAcceptedSurvivesSIGKILL(t *testing.T) {
	folder := t.TempDir()
	accepted, took := map[uint64]bool{}, map[uint64]int{}
	var last uint64
	for round := range scaled(20, 200) {
		started := time.Now()
		for _, line := range killAfter(t, folder, 1+rand.IntN(500)) {
			var n uint64
			switch {
			case strings.HasPrefix(line, "ready"):
				if line != "ready ok" || time.Since(started) > time.Minute {
					t.Fatalf("round %d: %q", round, line)
				}
			case strings.HasPrefix(line, "accepted"):
				fmt.Sscanf(line, "accepted %d", &n)
				if accepted[n] {
					t.Fatalf("round %d: %d was given twice", round, n)
				}
				if n > last+1 && !accepted[n-1] && took[n-1] == 0 && round == 0 {
					t.Fatalf("round %d: %d after %d", round, n, last)
				}
				accepted[n], last = true, n
			default:
				fmt.Sscanf(line, "took %d", &n)
				took[n]++
			}
		}
	}
	h := open(t, optionsFor(folder))
	down := h.drain(t, "down")
	for _, id := range h.drain(t, "up") {
		var n uint64
		fmt.Sscanf(id, "door-%d", &n)
		took[n]++
	}
	if !slices.IsSortedFunc(down, func(a, b string) int { return number(a) - number(b) }) || len(slices.Compact(slices.Clone(down))) != len(down) {
		t.Error("the order changed, or something came twice")
	}
	twice := 0
	for n := range accepted {
		if took[n] == 0 || !slices.Contains(down[max(0, int(n)-1-64):min(len(down), int(n)+64)], fmt.Sprintf("door-%d", n)) {
			t.Errorf("%d was accepted and is lost", n)
		}
		if took[n] > 1 {
			twice++
		}
	}
	t.Logf("%d accepted, 0 lost, %d delivered twice", len(accepted), twice)
}

func number(id string) (n int) {
	fmt.Sscanf(id, "door-%d", &n)
	return n
}

// killAfter lets a victim live for some lines and returns all it said.
func killAfter(t *testing.T, folder string, lines int) (said []string) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), asVictim+"="+folder)
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		if said = append(said, scanner.Text()); len(said) == lines {
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = victim.Wait()
	return said
}
