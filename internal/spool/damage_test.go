package spool_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
)

// A wreck is a spool as a killed process left it: the first half of its results is in the database, the rest in the log. Sink "up" has all but
// the newest few, "down" has none.
type wreck struct {
	db, wal []byte
	bodies  map[string]string
	due     map[string][]string
	early   int // so many of all were in the database
}

func newWreck(t *testing.T) *wreck {
	folder := t.TempDir()
	h := open(t, optionsFor(folder))
	w := &wreck{bodies: map[string]string{}, due: map[string][]string{}}
	up := h.queue(t, "up")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 48 {
		r := anAnswer([]string{"door", "dock"}[i%2], uint64(i/2+1), 500+random.IntN(1200))
		h.put(t, r, "up", "down")
		text, _ := r.MarshalJSON()
		w.bodies[r.ID] = string(text)
		w.due["up"], w.due["down"] = append(w.due["up"], r.ID), append(w.due["down"], r.ID)
		if i == 24 {
			if err := h.Checkpoint(); err != nil {
				t.Fatal(err)
			}
			w.early = i + 1
		}
		if i == 40 {
			for up.Len() > 0 {
				batch, err := up.Next(t.Context(), 64)
				if err != nil {
					t.Fatal(err)
				}
				up.Done(len(batch))
			}
			w.due["up"] = nil
		}
	}
	h.Frozen(func() {
		w.db, _ = os.ReadFile(filepath.Join(folder, spool.FileName))
		w.wal, _ = os.ReadFile(filepath.Join(folder, spool.FileName+"-wal"))
	})
	return w
}

// An outcome is what a life after the damage was like.
type outcome struct {
	lost, counted map[string]int
	quarantined   bool
}

// judge starts a spool on damaged files: it must start, deliver nothing wrong, keep the order, and serve what is new.
func (w *wreck) judge(t *testing.T, db, wal []byte) (o outcome) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string][]byte{spool.FileName: db, spool.FileName + "-wal": wal} {
		if text == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	h := open(t, optionsFor(folder))
	defer h.close()
	if view := h.part.View(); view.State != "ok" {
		t.Fatalf("the spool is %+v", view)
	}
	o = outcome{lost: map[string]int{}, counted: map[string]int{}, quarantined: h.metric("quarantined_files_total") > 0}
	probe := anAnswer("probe", 1, 600)
	h.put(t, probe, "up", "down")
	for _, s := range []string{"up", "down"} {
		o.lost[s], o.counted[s] = w.deliver(t, h, s, probe.ID), int(h.metric("dropped_total", s, "corrupt"))
	}
	return o
}

// deliver takes all that a sink is given and tells how many are missing.
func (w *wreck) deliver(t *testing.T, h *house, s, probe string) (lost int) {
	t.Helper()
	q, place, got := h.queue(t, s), map[string]uint64{}, map[string]bool{}
	for q.Len() > 0 {
		batch, err := q.Next(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			text, _ := r.MarshalJSON()
			if r.ID != probe && w.bodies[r.ID] != string(text) {
				t.Fatalf("%s got something wrong: %s", s, text)
			}
			if place[r.Camera] >= r.Sequence {
				t.Fatalf("%s got %s after %d", s, r.ID, place[r.Camera])
			}
			place[r.Camera], got[r.ID] = r.Sequence, true
		}
		q.Done(len(batch))
	}
	for _, id := range w.due[s] {
		if !got[id] {
			lost++
		}
	}
	if !got[probe] {
		t.Fatalf("%s did not get what is new", s)
	}
	return lost
}

func (o outcome) String() string {
	return fmt.Sprintf("lost %v, counted %v, quarantined %v", o.lost, o.counted, o.quarantined)
}

// seeds is how many damages of a kind there are, each with its own dice.
func seeds(t *testing.T, each func(t *testing.T, dice *rand.Rand)) {
	for seed := range scaled(25, 2000) {
		dice := rand.New(rand.NewPCG(uint64(seed), 5))
		each(t, dice)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func TestBitFlips(t *testing.T) {
	t.Parallel()
	flip := func(file []byte, dice *rand.Rand) { file[dice.IntN(len(file))] ^= 1 << dice.IntN(8) }
	spoil(t, flip, func(o outcome) bool { return o.lost["up"] <= 2 && o.lost["down"] <= 2 })
}

func TestZeroedPages(t *testing.T) {
	t.Parallel()
	zero := func(file []byte, dice *rand.Rand) {
		page := dice.IntN(len(file) / 4096)
		clear(file[page*4096 : (page+1)*4096])
	}
	spoil(t, zero, func(o outcome) bool { return o.lost["down"] <= 20 }) // small results share a page
}

// spoil damages the database or its log. No more may be lost than that costs, nor than is counted.
func spoil(t *testing.T, damage func(file []byte, dice *rand.Rand), fair func(outcome) bool) {
	t.Helper()
	w := newWreck(t)
	total, quarantined := 0, 0
	seeds(t, func(t *testing.T, dice *rand.Rand) {
		db, wal := slices.Clone(w.db), slices.Clone(w.wal)
		file := db
		if dice.IntN(2) == 0 {
			file = wal
		}
		damage(file, dice)
		o := w.judge(t, db, wal)
		total += o.lost["down"]
		if o.quarantined {
			quarantined++
		}
		if !fair(o) {
			t.Errorf("too much was lost: %v", o)
		}
		if o.quarantined && (o.counted["down"] < o.lost["down"] || o.counted["up"] < o.lost["up"]) {
			t.Errorf("more was lost than counted: %v", o)
		}
	})
	t.Logf("%d results lost, %d files set aside", total, quarantined)
}

func TestTornTails(t *testing.T) {
	t.Parallel()
	w := newWreck(t)
	seeds(t, func(t *testing.T, dice *rand.Rand) {
		wal := slices.Clone(w.wal)
		cut := 1 + dice.IntN(64<<10)
		switch dice.IntN(3) {
		case 0:
			wal = wal[:len(wal)-cut]
		case 1:
			clear(wal[len(wal)-cut:])
		default:
			wal = append(wal, make([]byte, cut)...)
			cut = 0
		}
		o := w.judge(t, w.db, wal)
		if most := cut/1000 + 2; o.lost["down"] > most || o.quarantined {
			t.Errorf("%d bytes of the log: %v", cut, o)
		}
	})
}

func TestADeletedLog(t *testing.T) {
	t.Parallel()
	w := newWreck(t)
	seeds(t, func(t *testing.T, dice *rand.Rand) {
		var wal []byte
		if dice.IntN(2) == 0 {
			wal = slices.Clone(w.wal[:dice.IntN(32)])
		}
		o := w.judge(t, w.db, wal)
		if o.lost["down"] > len(w.due["down"])-w.early || o.quarantined {
			t.Errorf("%v", o)
		}
	})
}

func TestTornDatabases(t *testing.T) {
	t.Parallel()
	w := newWreck(t)
	seeds(t, func(t *testing.T, dice *rand.Rand) {
		o := w.judge(t, w.db[:dice.IntN(len(w.db))], w.wal)
		if o.quarantined && (o.counted["down"] < o.lost["down"] || o.counted["up"] < o.lost["up"]) {
			t.Errorf("more was lost than counted: %v", o)
		}
	})
}
