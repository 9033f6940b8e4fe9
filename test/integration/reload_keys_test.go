package integration

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Keys are edited while cameras stream. Cameras leave in order when their key allows fewer streams or is gone, and nobody else moves.
func TestReloadOfKeys(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 6, "--no-decode")
	f.keys = []string{"main", "second"}
	a := f.start()
	first := f.waitHeld(a, 6)

	f.writeText(strings.ReplaceAll(f.text(), "max_streams: 5", "max_streams: 2"))
	a.hangUp()
	second := f.waitHeld(a, 4)
	a.waitRanks(2)
	f.checkRecalled(a, f.missing(first, second), "key")

	f.keys = []string{"main"}
	f.write()
	a.hangUp()
	third := f.waitHeld(a, 5)
	a.waitRanks(1)
	f.checkNoOrphans(third)
	stayed := 0
	for camera, id := range second {
		if third[camera] == id {
			stayed++
		}
	}
	if stayed != 2 {
		t.Errorf("%d cameras still have their stream, want the 2 that were on the key which stayed: %v, and before it was %v", stayed, third, second)
	}
	f.checkMost()
	a.stop(syscall.SIGTERM)
	checkReleased(t, f.s)
}

// Whoever stops an agent need not wait for its reloads, and what they were about to change is released as well.
func TestStopDuringReloads(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 5, "--no-decode")
	a := f.start()
	f.waitHeld(a, 5)
	var asking sync.WaitGroup
	for i := range 8 {
		f.prompt = fmt.Sprintf("What is the counter, for the %dth time?", i)
		for j := range f.cameras {
			f.cameras[j].watch = "edited"
		}
		f.write()
		asking.Go(func() {
			if response, err := http.Post(a.base+"/-/reload", "", nil); err == nil { // else the agent has stopped before
				_ = response.Body.Close()
			}
		})
		must(t, a.cmd.Process.Signal(syscall.SIGHUP))
		time.Sleep(30 * time.Millisecond) // in the middle of what the last one changes
	}
	a.stop(syscall.SIGTERM)
	asking.Wait()
	f.checkMost()
	checkReleased(t, f.s)
}
