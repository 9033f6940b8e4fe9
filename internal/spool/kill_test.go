package spool_test

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// asVictim makes this test binary a process that appends and delivers until it is killed, with asSick one whose disk fails now and then.
// asPaced says how long it rests after each result. asOnDisk makes the binary one that has a disk of its own.
const (
	asVictim = "SPOOL_TEST_FOLDER"
	asSick   = "SPOOL_TEST_SICK"
	asPaced  = "SPOOL_TEST_PACE"
	asOnDisk = "SPOOL_TEST_DISK"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(asVictim); folder != "" {
		beVictim(folder)
	}
	flag.Parse()
	if err := flag.Set("rapid.checks", strconv.Itoa(scaled(8, 500))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// beVictim says what is accepted after it is, and what a sink has before the spool knows.
func beVictim(folder string) {
	o := optionsFor(folder)
	o.MaxBytes = 256 << 20
	if os.Getenv(asSick) != "" {
		o = sick(o)
	}
	o.Part = status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("spool", spool.Kind)
	o.Meters = spool.NewMeters(prometheus.NewRegistry())
	started := time.Now()
	s := spool.Open(o)
	fmt.Println("ready", time.Since(started).Microseconds())
	fmt.Println("peak", peak())
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
	pace, _ := time.ParseDuration(os.Getenv(asPaced))
	for ; ; time.Sleep(pace) {
		n := s.Sequences().Next("door", "people")
		receipt, err := s.Append(context.Background(), anAnswer("door", n, 500+rand.IntN(1500)), []string{"up", "down"})
		if err == nil {
			err = receipt.Wait(context.Background())
		}
		if err != nil {
			panic(err)
		}
		fmt.Printf("accepted %d\nstate %s\n", n, o.Part.View().State)
	}
}

// sick makes every third sync fail, which replaces the file.
func sick(o spool.Options) spool.Options {
	var calls atomic.Int32
	o.Sync = time.Millisecond
	return o.WithSystem(func(fd int) error {
		if calls.Add(1)%3 == 0 {
			return unix.EIO
		}
		return unix.Fdatasync(fd)
	}, nil)
}

// A testimony is what victims said.
type testimony struct {
	accepted map[uint64]bool
	took     map[uint64]int
	lives    int
	ready    time.Duration // the longest that Open took
	peak     int           // of memory when it was ready, in bytes
	state    string        // the last one
	inMemory []uint64      // accepted there, and not on disk since
}

func newTestimony() *testimony {
	return &testimony{accepted: map[uint64]bool{}, took: map[uint64]int{}}
}

// hear notes one line. The last one of a life may be cut off.
func (w *testimony) hear(t *testing.T, line string) {
	t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	var n uint64
	switch fmt.Sscan(rest, &n); word {
	case "ready":
		w.lives, w.ready = w.lives+1, max(w.ready, time.Duration(n)*time.Microsecond)
	case "accepted":
		if w.accepted[n] {
			t.Fatalf("in life %d, %d was given twice", w.lives, n)
		}
		w.accepted[n] = true
		w.inMemory = append(w.inMemory, n)
	case "took":
		w.took[n]++
	case "peak":
		w.peak = int(n)
	case "state":
		if w.state = rest; rest != "memory" {
			w.inMemory = nil
		}
	}
}

// hearFile notes what victims wrote into a file.
func (w *testimony) hearFile(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line, whole := strings.CutSuffix(line, "\n"); whole {
			w.hear(t, line)
		}
	}
}

// judge opens the spool that the victims left: whatever was accepted has to be there, or with its sink, once and in order.
func (w *testimony) judge(t *testing.T, folder string) (twice int) {
	t.Helper()
	h := open(t, optionsFor(folder))
	defer h.close()
	if view := h.part.View(); view.State != "ok" || h.metric("dropped_total") != 0 {
		t.Errorf("the spool is %+v, %v dropped", view, h.metric("dropped_total"))
	}
	there := map[string]bool{}
	down := h.drain(t, "down")
	for _, id := range down {
		there[id] = true
	}
	if !slices.IsSortedFunc(down, func(a, b string) int { return number(a) - number(b) }) || len(there) != len(down) {
		t.Error("the order changed, or something is there twice")
	}
	for _, id := range h.drain(t, "up") {
		w.took[uint64(number(id))]++
	}
	for n := range w.accepted {
		if w.took[n] == 0 || !there[fmt.Sprint("door-", n)] {
			t.Errorf("%d was accepted and is lost", n)
		}
	}
	for _, times := range w.took {
		if times > 1 {
			twice++
		}
	}
	return twice
}

func number(id string) (n int) {
	fmt.Sscanf(id, "door-%d", &n)
	return n
}

// The process is killed for real, again and again on the same files, in the middle of whatever it does to them.
func TestWhatIsAcceptedSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	for kind, most := range map[string]int{"": 800, "sick": 80} { // a sick disk has all copied over and over
		t.Run("a disk that is "+cmp.Or(kind, "well"), func(t *testing.T) {
			folder, w := t.TempDir(), newTestimony()
			var longest time.Duration
			for range scaled(5, 250) {
				longest = max(longest, killAfter(t, w, folder, kind, 1+rand.IntN(most)))
			}
			twice := w.judge(t, folder)
			t.Logf("%d kills: %d accepted, 0 missing, %d delivered twice; Open took up to %v, the process was ready after up to %v",
				w.lives, len(w.accepted), twice, w.ready.Round(time.Millisecond), longest.Round(time.Millisecond))
		})
	}
}

// killAfter lets a victim live for some lines, and returns how long it took to be ready.
func killAfter(t *testing.T, w *testimony, folder, kind string, lines int) (ready time.Duration) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), asVictim+"="+folder, asSick+"="+kind)
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for said := 1; scanner.Scan(); said++ {
		if said == 1 {
			ready = time.Since(started)
		}
		if w.hear(t, scanner.Text()); said == lines {
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = victim.Wait()
	return ready
}

// The process is killed before each of the first calls that change a file, and then once more at the same call on what that left.
func TestWhatIsAcceptedSurvivesAKillAtEachChangeOfAFile(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "sick"} {
		t.Run("a disk that is "+cmp.Or(kind, "well"), func(t *testing.T) {
			accepted, twice, ready := 0, 0, time.Duration(0)
			for n := 1; n <= 200; n += scaled(21, 1) {
				folder, said := t.TempDir(), filepath.Join(t.TempDir(), "said")
				for range 2 {
					if !killAtCall(t, aVictim(t, folder, said, asSick+"="+kind), n) {
						t.Fatalf("the process ended before call %d", n)
					}
				}
				w := newTestimony()
				w.hearFile(t, said)
				twice += w.judge(t, folder)
				if accepted, ready = accepted+len(w.accepted), max(ready, w.ready); t.Failed() {
					t.Fatalf("killed at call %d", n)
				}
			}
			t.Logf("%d accepted, 0 missing, %d delivered twice; Open took up to %v", accepted, twice, ready.Round(time.Millisecond))
		})
	}
}

// With a long backlog a process is ready as soon as with none, nearly, and does not need much more memory.
func TestALongBacklogIsReadySoon(t *testing.T) {
	o := optionsFor(t.TempDir())
	o.MaxBytes = 256 << 20
	h := open(t, o)
	n := scaled(2000, 100_000)
	h.fillFast(t, "door", 1, n, "up", "down")
	h.close()
	none, long := newTestimony(), newTestimony()
	killAfter(t, none, t.TempDir(), "", 2)
	ready := killAfter(t, long, o.Folder, "", 2)
	t.Logf("%d results: ready after %v, %d bytes more than without", n, ready.Round(time.Millisecond), long.peak-none.peak)
	if long.ready == 0 || long.peak == 0 {
		t.Error("the process was not ready")
	}
}

// peak is the most memory that this process has had, in bytes.
func peak() (n int) {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	fmt.Sscan(after, &n)
	return n << 10
}

// Not only our own syncs fail, but those of SQLite and of folders too, each time for a while.
func TestNoSyncSucceedsForAWhile(t *testing.T) {
	t.Parallel()
	folder, said := t.TempDir(), filepath.Join(t.TempDir(), "said")
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("this test wants strace: ", err)
	}
	victim := aVictim(t, folder, said, asPaced+"=2ms")
	victim.Path, victim.Args = strace, append([]string{
		"strace", "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=2..3",
	}, victim.Args...)
	victim.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		_ = syscall.Kill(-victim.Process.Pid, syscall.SIGKILL)
		_ = victim.Wait()
	})
	defer kill()
	var w *testimony
	hear := func() *testimony { w = newTestimony(); w.hearFile(t, said); return w }
	until(t, "results are in memory", func() bool { return hear().state == "memory" })
	until(t, "they are on disk again", func() bool { return hear().state == "ok" })
	enough := len(w.accepted) + 100
	until(t, "there are some more", func() bool { return len(hear().accepted) > enough })
	kill()
	for _, n := range hear().inMemory {
		delete(w.accepted, n)
	}
	w.judge(t, folder)
	t.Logf("%d accepted, 0 missing", len(w.accepted))
}
