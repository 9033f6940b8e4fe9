package slot

import (
	"cmp"
	"slices"
	"time"
)

// patience is for how long a dark camera keeps its slot while others wait: long enough for a camera to come back after a lost
// connection, which is much cheaper than a new stream.
const patience = 10 * time.Second

// A candidate is a camera that streams or wants to. Those who have been recalled are none any more.
type candidate struct {
	camera   string
	priority int
	key      string    // of which it holds a slot, "" while it waits
	since    time.Time // when it got its slot, or began to wait
	dark     time.Time // since when a holder has delivered nothing, zero while it delivers
}

// An offer is what one key has for the candidates.
type offer struct {
	key     string
	slots   int  // streams it may have at once
	leaving int  // of these, taken by streams of recalled cameras that are not gone yet
	closed  bool // nobody new may come; who is there may stay
	shaky   bool // the newest create failed, for a reason that says nothing about the key
	probe   bool // one may come all the same, beyond slots if it is not closed, to see how things are
}

// An outcome is who streams and who does not.
type outcome struct {
	streams map[string]string // camera → key: those who stay on theirs, and those who can begin at once
	recalls map[string]Cause  // of holders, who have to leave
	waiting []string          // the others in order of rank, those for whom a slot is being emptied among them
	next    time.Time         // when time alone may change this, zero if never
}

// plan decides who streams. Cameras of higher priority go first. Among equals, holders stay; but when dwell is not 0, one that has
// streamed for dwell gives way to one that has waited for dwell, in the order in which they came. A dark holder comes after everybody
// who waits.
//
// That those who wait have to do so for dwell as well makes nobody wait longer in the worst case, where the holders' turns decide: of n
// cameras on s slots, none waits for more than n/s × dwell, and the time the others need to leave. But without it a camera that has
// just lost its slot would at once take that of another one whose turn is over, and so on: one newcomer would move them all.
//
// A holder keeps its key, and nobody is recalled but for a camera that needs the slot and can use it: on a closed key all may stay,
// because their slots are of no use to anyone else.
func plan(cameras []candidate, offers []offer, dwell time.Duration, now time.Time) outcome {
	t := newTable(cameras, offers)
	out := outcome{streams: map[string]string{}, recalls: map[string]Cause{}}
	var admitted, rejected []candidate // of those who wait
	for _, c := range ranked(cameras, dwell, now) {
		switch {
		case c.key == "" && t.admit():
			admitted = append(admitted, c)
		case c.key == "":
			rejected = append(rejected, c)
		case t.keep(c.key):
			out.streams[c.camera] = c.key
		default:
			out.recalls[c.camera] = cause(c, t.full(c.key), admitted, dwell, now)
		}
	}
	for _, c := range admitted {
		if key, ok := t.seat(); ok {
			out.streams[c.camera] = key
		} else {
			out.waiting = append(out.waiting, c.camera)
		}
	}
	for _, c := range rejected {
		out.waiting = append(out.waiting, c.camera)
	}
	for _, c := range cameras {
		if c.key != "" && out.streams[c.camera] != "" && !t.closed(c.key) {
			out.next = earliest(out.next, c.givesWay(rejected, dwell))
		}
	}
	return out
}

// ranked sorts candidates by their right to stream.
func ranked(cameras []candidate, dwell time.Duration, now time.Time) []candidate {
	return slices.SortedStableFunc(slices.Values(cameras), func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(toInt(a.yields(now)), toInt(b.yields(now))),
			cmp.Compare(b.priority, a.priority),
			cmp.Compare(a.turn(dwell, now), b.turn(dwell, now)),
			a.seniority(b, dwell),
			cmp.Compare(a.camera, b.camera),
		)
	})
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// yields tells whether the camera gives way to any that waits.
func (c candidate) yields(now time.Time) bool {
	return c.key != "" && !c.dark.IsZero() && now.Sub(c.dark) >= patience
}

// turn ranks those of one priority: who has its turn, who is due to have it, whose turn is over, and who has to wait for a free slot.
func (c candidate) turn(dwell time.Duration, now time.Time) int {
	holds, long := c.key != "", now.Sub(c.since) >= dwell
	switch {
	case holds && (dwell == 0 || !long):
		return 0
	case !holds && long:
		return 1
	case holds:
		return 2
	default:
		return 3
	}
}

// seniority compares two of the same priority and turn. Who waits longest is first. Of two holders, the one to lose costs least:
// with rotation the one who has had most of its turn, or one could be starved by never getting to the end of its own; without it the
// one who came last, as its stream has the least history to lose.
func (c candidate) seniority(other candidate, dwell time.Duration) int {
	if c.key != "" && dwell > 0 {
		return other.since.Compare(c.since)
	}
	return c.since.Compare(other.since)
}

// cause tells why a holder has to leave: its key has no place even without newcomers, or one of the newcomers takes it.
func cause(c candidate, full bool, newcomers []candidate, dwell time.Duration, now time.Time) Cause {
	equal := slices.ContainsFunc(newcomers, func(n candidate) bool { return n.priority == c.priority })
	switch {
	case full:
		return CauseKey
	case c.yields(now):
		return CauseDark
	case equal && c.turn(dwell, now) == 2:
		return CauseRotation
	default:
		return CausePriority
	}
}

// givesWay returns when a holder that stays now will have to give way to one of those who wait, zero if never.
func (c candidate) givesWay(waiting []candidate, dwell time.Duration) time.Time {
	var when time.Time
	if len(waiting) > 0 && !c.dark.IsZero() {
		when = c.dark.Add(patience)
	}
	for _, w := range waiting {
		if dwell > 0 && w.priority == c.priority {
			when = earliest(when, latest(c.since, w.since).Add(dwell))
		}
	}
	return when
}

// earliest returns the earlier of two times, where zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
