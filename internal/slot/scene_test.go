package slot

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// A scene is everything a plan is made from.
type scene struct {
	cameras []candidate
	offers  []offer
	dwell   time.Duration
	now     time.Time
}

func (s scene) plan() outcome { return plan(s.cameras, s.offers, s.dwell, s.now) }

func drawScene(t *rapid.T) scene {
	s := scene{now: time.Now().Add(time.Hour), dwell: rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "dwell")}
	ago := func(longest int, name string) time.Time {
		return s.now.Add(-time.Duration(rapid.IntRange(0, longest).Draw(t, name)) * 5 * time.Second)
	}
	keys := rapid.IntRange(0, 3).Draw(t, "keys")
	taken := map[string]int{}
	for i := range rapid.IntRange(0, 9).Draw(t, "cameras") {
		c := candidate{camera: fmt.Sprint("camera-", i), priority: rapid.IntRange(0, 2).Draw(t, "priority"), since: ago(24, "since")}
		if k := rapid.IntRange(-1, keys-1).Draw(t, "holds"); k >= 0 {
			c.key = fmt.Sprint("key-", k)
			taken[c.key]++
			if rapid.IntRange(0, 3).Draw(t, "is dark") == 0 {
				c.dark = ago(4, "dark")
			}
		}
		s.cameras = append(s.cameras, c)
	}
	for i := range keys {
		o := offer{key: fmt.Sprint("key-", i), slots: rapid.IntRange(0, 4).Draw(t, "slots"), leaving: rapid.IntRange(0, 1).Draw(t, "leaving")}
		o.closed = rapid.IntRange(0, 3).Draw(t, "closed") == 0
		if here := taken[o.key] + o.leaving; o.closed && here < o.slots || !o.closed && o.leaving == 0 && here <= o.slots {
			o.probe = rapid.IntRange(0, 3).Draw(t, "probe") == 0
		}
		s.offers = append(s.offers, o)
	}
	return s
}

// outranks tells, in other words than the plan's, whether one who waits has a better right than a holder.
func (s scene) outranks(waits, holds candidate) bool {
	switch {
	case s.yields(holds) || waits.priority > holds.priority:
		return true
	case waits.priority < holds.priority:
		return false
	}
	return s.dwell > 0 && !holds.since.Add(s.dwell).After(s.now) && !waits.since.Add(s.dwell).After(s.now)
}

func (s scene) yields(c candidate) bool {
	return !c.dark.IsZero() && !c.dark.Add(10*time.Second).After(s.now)
}

func (s scene) get(camera string) candidate {
	return s.cameras[slices.IndexFunc(s.cameras, func(c candidate) bool { return c.camera == camera })]
}

// count is what an outcome makes of one key.
type count struct{ holders, kept, began int }

func (s scene) counts(out outcome) map[string]*count {
	all := map[string]*count{}
	for _, o := range s.offers {
		all[o.key] = &count{}
	}
	for _, c := range s.cameras {
		key := out.streams[c.camera]
		if c.key != "" {
			all[c.key].holders++
		}
		if key != "" && c.key == "" {
			all[key].began++
		} else if key != "" {
			all[key].kept++
		}
	}
	return all
}

// everybody: each camera is told one thing, and holders keep their keys.
func (s scene) everybody(out outcome) error {
	told := len(out.streams) + len(out.recalls) + len(out.waiting)
	if told != len(s.cameras) {
		return fmt.Errorf("%d cameras, %d were told something", len(s.cameras), told)
	}
	for _, c := range s.cameras {
		key, streams := out.streams[c.camera]
		_, recalled := out.recalls[c.camera]
		switch {
		case c.key != "" && streams == recalled, c.key == "" && streams == slices.Contains(out.waiting, c.camera):
			return fmt.Errorf("%s was told two things or none", c.camera)
		case c.key != "" && streams && key != c.key:
			return fmt.Errorf("%s has to move from %s to %s", c.camera, c.key, key)
		}
	}
	return nil
}

// limits: no key gets more than it offers, nor a place that is not empty yet; and none is left empty while somebody waits.
func (s scene) limits(out outcome) error {
	counts := s.counts(out)
	for _, o := range s.offers {
		n, places := counts[o.key], 0
		if !o.closed {
			places = max(0, o.slots-n.holders-o.leaving)
		}
		if o.probe {
			places++
		}
		switch {
		case n.kept > o.slots:
			return fmt.Errorf("%s keeps %d of %d", o.key, n.kept, o.slots)
		case n.began > places:
			return fmt.Errorf("%s begins %d with places for %d", o.key, n.began, places)
		case n.began < places && len(out.waiting) > 0:
			return fmt.Errorf("%s begins %d with places for %d while %v wait", o.key, n.began, places, out.waiting)
		}
	}
	return nil
}

// moves: nobody is recalled without need, and of those who could be, the right ones are.
func (s scene) moves(out outcome) error {
	counts, room, over := s.counts(out), 0, 0
	open := map[string]bool{}
	for _, o := range s.offers {
		over += max(0, counts[o.key].holders-o.slots)
		if open[o.key] = !o.closed; open[o.key] {
			room += max(0, o.slots-counts[o.key].holders)
		}
		if o.probe {
			room++
		}
	}
	for camera, cause := range out.recalls {
		c := s.get(camera)
		at := slices.IndexFunc(s.offers, func(o offer) bool { return o.key == c.key })
		if cause == CauseKey {
			if counts[c.key].holders <= s.offers[at].slots {
				return fmt.Errorf("%s is recalled from %s, which takes all", camera, c.key)
			}
			continue
		}
		var better []candidate
		for _, w := range s.cameras {
			if w.key == "" && s.outranks(w, c) {
				better = append(better, w)
			}
		}
		if !open[c.key] || len(better)+over <= room {
			return fmt.Errorf("%s is recalled (%s) although %d with a better right have room for %d", camera, cause, len(better), room)
		}
		if err := s.rightOne(c, cause, out, open); err != nil {
			return err
		}
	}
	if waits := len(s.cameras) - s.holding(); len(out.recalls) > over+max(0, waits-room) {
		return fmt.Errorf("%d recalls for %d too many and %d who wait with room for %d", len(out.recalls), over, waits, room)
	}
	return nil
}

func (s scene) holding() int {
	return len(slices.DeleteFunc(slices.Clone(s.cameras), func(c candidate) bool { return c.key == "" }))
}

// rightOne tells whether a camera was recalled while one stays whose loss would have cost less.
func (s scene) rightOne(gone candidate, cause Cause, out outcome, open map[string]bool) error {
	for _, c := range s.cameras {
		if c.key == "" || !open[c.key] || out.streams[c.camera] == "" {
			continue
		}
		wrong := false
		switch {
		case s.yields(c) != s.yields(gone):
			wrong = s.yields(c)
		case c.priority != gone.priority:
			wrong = c.priority < gone.priority
		case s.dwell > 0:
			wrong = c.since.Before(gone.since)
		default:
			wrong = c.since.After(gone.since)
		}
		if wrong {
			return fmt.Errorf("%+v is recalled (%s), %+v stays", gone, cause, c)
		}
	}
	return nil
}

// order: those who wait do so by priority and age; nobody who waits in vain has a better right than one who streams.
func (s scene) order(out outcome) error {
	before := func(a, b candidate) bool {
		return a.priority > b.priority || a.priority == b.priority && !a.since.After(b.since)
	}
	for i := 1; i < len(out.waiting); i++ {
		if a, b := s.get(out.waiting[i-1]), s.get(out.waiting[i]); !before(a, b) {
			return fmt.Errorf("%+v waits before %+v", a, b)
		}
	}
	counts, emptied := s.counts(out), 0
	closed := map[string]bool{}
	for _, o := range s.offers {
		if closed[o.key] = o.closed; !o.closed {
			emptied += max(0, o.slots-counts[o.key].kept)
		}
		if emptied -= counts[o.key].began; o.probe {
			emptied++
		}
	}
	for i, camera := range out.waiting {
		w := s.get(camera)
		for _, c := range s.cameras {
			switch {
			case out.streams[c.camera] == "":
			case c.key == "" && !before(c, w):
				return fmt.Errorf("%+v begins before %+v", c, w)
			case c.key != "" && i >= emptied && !closed[c.key] && s.outranks(w, c):
				return fmt.Errorf("%+v waits while %+v streams", w, c)
			}
		}
	}
	return nil
}

// after is the scene when the outcome was carried out: the recalled are leaving, and those who
// lost their slot to another want it back.
func (s scene) after(out outcome) scene {
	next := scene{dwell: s.dwell, now: s.now, offers: slices.Clone(s.offers)}
	at := map[string]*offer{}
	for i := range next.offers {
		at[next.offers[i].key] = &next.offers[i]
	}
	counts := s.counts(out)
	for key, o := range at {
		if free := o.slots - counts[key].holders - o.leaving; o.probe && counts[key].began > 0 && (o.closed || counts[key].began > free) {
			o.probe = false
			if !o.closed {
				o.slots++
			}
		}
	}
	for _, c := range s.cameras {
		if cause, recalled := out.recalls[c.camera]; recalled {
			at[c.key].leaving++
			if cause == CauseDark || cause == CauseKey {
				continue
			}
			c.key, c.since, c.dark = "", s.now, time.Time{}
		} else if key := out.streams[c.camera]; c.key == "" && key != "" {
			c.key, c.since = key, s.now
		}
		next.cameras = append(next.cameras, c)
	}
	return next
}

// still tells whether the plan for a scene changes nothing.
func (s scene) still() error {
	out := s.plan()
	for _, c := range s.cameras {
		if out.streams[c.camera] != c.key {
			return fmt.Errorf("%+v moves to %q (%v)", c, out.streams[c.camera], out.recalls[c.camera])
		}
	}
	return nil
}

// stable: carried out, the outcome is what the plan wants, until the time it named and no longer.
func (s scene) stable(out outcome) error {
	s = s.after(out)
	if err := s.still(); err != nil {
		return fmt.Errorf("carried out: %w", err)
	}
	for i := range s.offers {
		s.offers[i].leaving = 0
	}
	freed := s.plan()
	if len(freed.recalls) > 0 {
		return fmt.Errorf("all have left, yet there are recalls: %v", freed.recalls)
	}
	if s = s.after(freed); s.still() != nil {
		return fmt.Errorf("all have left: %w", s.still())
	}
	next := s.plan().next
	later := s
	if later.now = next.Add(-1); next.IsZero() {
		later.now = s.now.Add(24 * time.Hour)
	}
	if later.now.Before(s.now) || later.still() != nil {
		return fmt.Errorf("before %v, its next time: %w", next, later.still())
	}
	if later.now = next; !next.IsZero() && later.still() == nil {
		return fmt.Errorf("nothing changes at %v, its next time", next)
	}
	return nil
}
