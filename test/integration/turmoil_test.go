package integration

import (
	"math"
	"math/rand/v2"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// Seven cameras take turns in five slots while agents are killed, stopped, and killed while they stop, keep their streams or release them,
// and some of what they delete stays. Even so there is never a sixth stream, and in the end none is left.
func TestTurmoil(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 7, "--no-decode", "--set", "ttl_seconds=8")
	f.level, f.more = "info", "rotate: {dwell: 10s}"
	f.s.do(http.MethodPost, "/faults", `{"op":"create","times":-1,"after_effect":true,"delay_ms":200}`)
	f.s.do(http.MethodPost, "/faults", `{"op":"delete","times":-1,"probability":0.3,"seed":4,"status":503}`)
	dice := rand.New(rand.NewPCG(1, 9))
	first := f.start()
	f.waitHeld(first, 5)
	first.kill()
	killed, stopped := 1, 0
	for range scale(6, 50) {
		f.more = "rotate: {dwell: 10s}\non_shutdown: " + []string{"keep", "release"}[dice.IntN(2)]
		f.write()
		a := f.launch()
		time.Sleep(time.Duration(float64(14*time.Second) * math.Exp(-4*dice.Float64())))
		if dice.IntN(2) == 0 {
			must(t, a.cmd.Process.Signal(syscall.SIGTERM))
			time.Sleep(time.Duration(dice.Int64N(int64(1500 * time.Millisecond))))
		}
		select {
		case <-a.ended:
			stopped++
		default:
			a.kill()
			killed++
		}
	}
	f.s.do(http.MethodDelete, "/faults", "")
	f.more = "rotate: {dwell: 10s}"
	a := f.start()
	eventually(t, "all streams are those that the agent holds", func() bool {
		held := map[string]bool{}
		for _, id := range a.held() {
			held[id] = true
		}
		for id := range f.s.activeByID() {
			if !held[id] {
				return false
			}
		}
		return len(held) > 0
	})
	a.stop(syscall.SIGTERM)
	if left := f.s.activeByID(); len(left) > 0 {
		t.Errorf("streams are left: %+v", left)
	}
	for _, e := range f.journal() {
		if e.ID != "" { // else it is a create that was cut off, whose stream nobody can delete
			t.Errorf("the journal still has %+v", e)
		}
	}
	f.checkMost()
	t.Logf("%d agents killed and %d stopped: %d streams created, never more than %d", killed, stopped, len(f.s.calls("create")), f.s.mostStreams()["main"])
}
