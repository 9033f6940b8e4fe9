package integration

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"
)

// An agent that is killed again and again at random moments never has more streams than cameras, loses none that its lease still covers,
// and leaves none behind in the end.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	// A short lease, so that what a cut create left behind is over soon; answers to creates on their way for long enough to be cut.
	f := newFleet(t, 5, "--set", fmt.Sprintf("ttl_seconds=%d", scale(8, 20)))
	f.level = "info"
	f.s.do(http.MethodPost, "/faults", `{"op":"create","times":-1,"after_effect":true,"delay_ms":300}`)
	c := &crashes{fleet: f, dice: rand.New(rand.NewPCG(3, 5)), over: map[string]bool{}, journaled: map[string]bool{}, cut: map[journalEntry]bool{}}

	first := f.start()
	f.waitHeld(first, 5)
	c.kill(first)
	for range scale(7, 99) {
		c.round()
	}
	c.checkLastStart()
	c.checkWhatEnded()
	t.Logf("%d kills, %d of them while the agent started and %d during a create: %d streams created, %d adoptions, %d leases that ran out, %d orphans that ended with their lease, never more than %d streams",
		c.kills, c.early, len(c.cut), len(f.s.calls("create")), c.adopted, len(c.over), c.orphans, f.s.mostStreams()["main"])
}

// crashes is what is known of the lives of the agents so far.
type crashes struct {
	*fleet
	dice      *rand.Rand
	over      map[string]bool       // streams whose lease the test ended, or that an agent lost, as a busy machine may do with such a short one
	journaled map[string]bool       // streams that were on disk when an agent was killed
	kept      []string              // those of the newest kill, as far as they were alive
	cut       map[journalEntry]bool // creates that were under way at a kill

	kills, early, adopted, orphans int
}

// round starts an agent and kills it at a random moment: some time after its start, or while one of its cameras makes a new stream.
func (c *crashes) round() {
	c.t.Helper()
	c.write()
	a := c.launch()
	if c.dice.IntN(6) > 0 {
		// As many within the tenth of a second in which it starts as within the seconds in which it works.
		time.Sleep(time.Duration(float64(4*time.Second) * math.Exp(-6*c.dice.Float64())))
	} else {
		a.waitStarted()
		c.startCreate(a)
		time.Sleep(time.Duration(c.dice.Int64N(int64(400 * time.Millisecond))))
	}
	c.kill(a)
}

// startCreate ends the lease of one stream, and blocks until the service has made another one, whose answer is still on its way.
func (c *crashes) startCreate(a *agent) {
	c.t.Helper()
	var held []string
	eventually(c.t, "the agent holds a stream", func() bool {
		held = slices.Sorted(maps.Values(a.held()))
		return len(held) > 0
	})
	lost := held[c.dice.IntN(len(held))]
	c.over[lost] = true
	before := len(c.s.streams())
	c.s.do(http.MethodPost, "/streams/"+lost+"/expire", "")
	eventually(c.t, "the agent makes a new stream", func() bool { return len(c.s.streams()) > before })
}

// kill ends an agent without a warning and takes stock.
func (c *crashes) kill(a *agent) {
	c.t.Helper()
	a.kill()
	c.kills++
	c.read(a)
	active, before := c.s.activeByID(), c.kept
	c.kept = nil
	for _, e := range c.journal() {
		switch _, alive := active[e.ID]; {
		case e.ID == "":
			c.cut[e] = true
		case alive:
			c.kept = append(c.kept, e.ID)
		}
		c.journaled[e.ID] = true
	}
	for _, id := range before {
		if !slices.Contains(c.kept, id) && !c.over[id] {
			c.t.Errorf("kill %d: the stream %s, alive at the kill before, is not in the journal or not alive any more", c.kills, id)
		}
	}
}

// read takes from the log of an agent that has ended what it did with its streams.
func (c *crashes) read(a *agent) {
	c.t.Helper()
	started := false
	for _, line := range a.log() {
		switch line.Message {
		case "agent started":
			started = true
		case "stream adopted":
			c.adopted++
		case "stream lost":
			c.over[line.Stream] = true
		}
	}
	if !started {
		c.early++
	}
}

// checkLastStart starts an agent that is left alone. It waits for the end of the leases that cut creates may have left behind.
func (c *crashes) checkLastStart() {
	c.t.Helper()
	limit := patience
	for _, e := range c.journal() {
		if e.ID == "" {
			limit = max(limit, patience+time.Duration((e.OverAt-uptime(c.t))*float64(time.Second)))
		}
	}
	a := c.start()
	within(c.t, limit, "all cameras stream again, and nobody else", func() bool {
		return len(a.held()) == len(c.cameras) && len(c.s.activeByID()) == len(c.cameras)
	})
	held := c.waitHeld(a, len(c.cameras))
	c.checkNoOrphans(held)
	for _, id := range c.kept {
		if !slices.Contains(slices.Collect(maps.Values(held)), id) {
			c.t.Errorf("the stream %s was not adopted", id)
		}
	}
	if n := len(c.s.calls("delete")); n > 0 {
		c.t.Errorf("%d streams were deleted, although all cameras wanted theirs", n)
	}
	a.stop(syscall.SIGTERM)
	c.read(a)
	c.checkReleased(held)
	if left := c.journal(); len(left) > 0 {
		c.t.Errorf("after an orderly end the journal still has %+v", left)
	}
}

// checkWhatEnded explains every stream there ever was: no stream may have been made while an older one of its camera could be adopted.
func (c *crashes) checkWhatEnded() {
	c.t.Helper()
	if most := c.s.mostStreams()["main"]; most != len(c.cameras) {
		c.t.Errorf("at most %d streams were seen, want %d", most, len(c.cameras))
	}
	for _, stream := range c.s.streams() {
		if stream.EndReason == "deleted" || c.over[stream.ID] {
			continue
		}
		c.orphans++
		if c.journaled[stream.ID] {
			c.t.Errorf("a stream of the journal was not adopted: %+v", stream)
		}
	}
	if c.orphans > len(c.cut) {
		c.t.Errorf("%d streams were left behind by %d creates cut off half-way", c.orphans, len(c.cut))
	}
}
