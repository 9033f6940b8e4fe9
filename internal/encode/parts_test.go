package encode

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/prometheus/client_golang/prometheus"
)

func TestClockFollowsTheCamera(t *testing.T) {
	const begin = 1<<32 - 5000
	at := time.Now()
	for name, tc := range map[string]struct {
		stamps []uint32
		want   []int64 // from the begin
	}{
		"steady over the wrap":        {[]uint32{begin, 1<<32 - 2000, 1000, 4000}, []int64{0, 3000, 6000, 9000}},
		"reordered":                   {[]uint32{begin, begin + 4000, begin + 2000, 3000}, []int64{0, 4000, 2000, 8000}},
		"a pause":                     {[]uint32{begin, begin - 1<<32 + 800_000}, []int64{0, 800_000}},
		"a jump forward":              {[]uint32{begin, 1 << 30, 1<<30 + 3000}, []int64{0, 3600, 6600}},
		"a jump back":                 {[]uint32{begin, begin + 3000, begin - 1<<30, begin - 1<<30 + 3000}, []int64{0, 3000, 6600, 9600}},
		"a jump back while reordered": {[]uint32{begin, begin + 4000, begin + 2000, begin - 1<<30}, []int64{0, 4000, 2000, 7600}},
		"standing still":              {[]uint32{begin, begin, begin}, []int64{0, 3600, 7200}},
	} {
		t.Run(name, func(t *testing.T) {
			var c clock
			for i, stamp := range tc.stamps {
				if got, want := c.ticks(stamp, at.Add(time.Duration(i)*40*time.Millisecond)), 1<<32+begin+tc.want[i]; got != want {
					t.Errorf("picture %d: got %d, want %d", i, got-1<<32-begin, tc.want[i])
				}
			}
		})
	}
}

// feedQueue puts pictures at 25 a second, and returns what was dropped.
func feedQueue(q *queue, n int, key func(i int) bool) (dropped int, slow bool) {
	for i := range n {
		f := q.fresh()
		f.bytes, f.key, f.arrived = append(f.bytes[:0], make([]byte, 100)...), key(i), time.Now()
		gone, late := q.put(f)
		dropped, slow = dropped+gone, slow || late
		time.Sleep(40 * time.Millisecond)
	}
	return dropped, slow
}

func first(i int) bool { return i == 0 }
func never(int) bool   { return false }
func always(int) bool  { return true }

// drain empties q and tells which of its pictures are key frames.
func drain(q *queue) (keys []bool) {
	for f := q.tryTake(); f != nil; f = q.tryTake() {
		keys = append(keys, f.key)
		q.recycle(f)
	}
	return keys
}

func TestQueueDropsWholeGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(camera.H265)
		q.started()
		drain(q) // it has caught up
		if dropped, slow := feedQueue(q, 26, first); dropped != 0 || slow {
			t.Errorf("within a second %d were dropped", dropped)
		}
		if dropped, slow := feedQueue(q, 10, never); dropped != 10 || !slow {
			t.Errorf("beyond it %d were dropped, want 10", dropped)
		}
		drain(q)
		if dropped, slow := feedQueue(q, 5, never); dropped != 5 || !slow {
			t.Errorf("%d were dropped, want 5: without those before them they cannot be decoded", dropped)
		}
		if dropped, slow := feedQueue(q, 20, first); dropped != 0 || slow {
			t.Errorf("%d were dropped after a key frame", dropped)
		}
		time.Sleep(time.Second)
		if dropped, slow := feedQueue(q, 1, first); dropped != 20 || !slow {
			t.Errorf("%d were dropped, want 20: a key frame makes those that wait before it needless", dropped)
		}
		if got := drain(q); !slices.Equal(got, []bool{true}) {
			t.Errorf("what is left is %v", got)
		}
	})
}

func TestQueueOfSinglePicturesDropsThemSingly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(camera.MJPEG)
		q.started()
		drain(q)
		if dropped, slow := feedQueue(q, 50, always); dropped != 44 || !slow {
			t.Errorf("%d were dropped, want 44", dropped)
		}
		if got := len(drain(q)); got != 6 {
			t.Errorf("%d are left, want those of the last 200 ms", got)
		}
	})
}

func TestQueueGivesANewEncoderTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(camera.H265)
		if dropped, _ := feedQueue(q, 101, first); dropped != 0 {
			t.Errorf("within four seconds %d were dropped", dropped)
		}
		if dropped, _ := feedQueue(q, 1, never); dropped != 1 {
			t.Error("nothing was dropped after four seconds")
		}
		if f := q.tryTake(); f == nil || !f.key {
			t.Error("the key frame is not the first")
		}
		if dropped := q.restart(); dropped != 100 {
			t.Errorf("a new encoder was spared %d pictures that it cannot decode, want 100", dropped)
		}
		if dropped, slow := feedQueue(q, 3, never); dropped != 3 || slow {
			t.Errorf("%d of 3 pictures were dropped, slow: %v; there was no key frame", dropped, slow)
		}
		feedQueue(q, 1, first)
		drain(q)
		q.restart()
		if dropped, _ := feedQueue(q, 3, never); dropped != 3 {
			t.Errorf("%d of 3 pictures were dropped; the key frame before them went to the last encoder", dropped)
		}
	})
}

func TestQueueEndsItsPatienceWithANewEncoder(t *testing.T) {
	for _, tc := range []struct {
		name    string
		waiting int // pictures when the encoder gives its first
		dropped int // of as many as it takes none of the next second
	}{{"that catches up", 50, 19}, {"that does not", 101, 120}} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(camera.MJPEG)
			if dropped, _ := feedQueue(q, tc.waiting, always); dropped != 0 {
				t.Errorf("an encoder %s: %d were dropped too early", tc.name, dropped)
			}
			q.started()
			if tc.waiting == 50 {
				drain(q)
			}
			if dropped, slow := feedQueue(q, 25, always); dropped != tc.dropped || !slow {
				t.Errorf("an encoder %s: %d were dropped, want %d", tc.name, dropped, tc.dropped)
			}
		})
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := newQueue(camera.H265)
	now := time.Now()
	q.put(&Frame{key: true, bytes: make([]byte, maxQueued/2), arrived: now})
	q.put(&Frame{bytes: make([]byte, maxQueued/2), arrived: now})
	if dropped, _ := q.put(&Frame{bytes: make([]byte, 1), arrived: now}); dropped != 1 {
		t.Errorf("%d bytes are queued", q.bytes)
	}
	q.recycle(q.tryTake())
	if dropped, _ := q.put(&Frame{key: true, bytes: make([]byte, 1), arrived: now}); dropped != 0 {
		t.Errorf("with room again %d were dropped", dropped)
	}
}

func TestPulse(t *testing.T) {
	in := func(p *pulse) { p.taken(); p.asked() }
	for name, tc := range map[string]struct {
		does func(p *pulse)
		want time.Duration // of silence, a minute later
	}{
		"nothing happened":        {func(*pulse) {}, 0},
		"it reorders":             {func(p *pulse) { in(p); in(p) }, 0},
		"it owes":                 {func(p *pulse) { in(p); time.Sleep(time.Second); in(p); in(p) }, 61 * time.Second},
		"it answered":             {func(p *pulse) { in(p); in(p); in(p); p.came() }, 0},
		"it does not read":        {func(p *pulse) { p.taken() }, time.Minute},
		"it does not end":         {func(p *pulse) { in(p); p.came(); p.ending() }, time.Minute},
		"it is slow with its end": {func(p *pulse) { in(p); p.ending(); time.Sleep(time.Hour); p.came() }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p pulse
				tc.does(&p)
				time.Sleep(time.Minute)
				if got := p.silence(); got != tc.want {
					t.Errorf("silent for %v, want %v", got, tc.want)
				}
			})
		})
	}
}

// A named encoder has nothing but its name.
type named string

func (n named) Name() string                          { return string(n) }
func (n named) Class() Class                          { return SoftwareChild }
func (n named) Takes(Job) error                       { return nil }
func (n named) Work(context.Context, Job, Desk) error { return nil }

func TestStrikes(t *testing.T) {
	now := time.Now()
	long := func() *shift { return &shift{failed: true, pulse: pulse{first: now, latest: now.Add(healthy)}} }
	short := func() *shift { return &shift{failed: true, pulse: pulse{first: now, latest: now.Add(healthy - 1)}} }
	hangs := func() *shift { return &shift{pulse: pulse{owed: minOwed, since: now.Add(-time.Hour)}} }
	works := func() *shift { return &shift{pulse: pulse{first: now, latest: now}} }
	for name, tc := range map[string]struct {
		shifts  []*shift
		stopped bool // by the caller
		avoided bool
	}{
		"fails twice":                {[]*shift{short(), short()}, false, true},
		"fails once a day":           {[]*shift{long(), long(), long()}, false, false},
		"was stopped while it hung":  {[]*shift{hangs(), hangs()}, true, true},
		"was stopped while it works": {[]*shift{works(), works()}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			tr := New(Options{Encoders: NewEncoders(), Metrics: NewVectors(prometheus.NewRegistry()).Camera("yard")})
			for _, s := range tc.shifts {
				s.encoder = named("libx264")
				tr.judge(s, tc.stopped)
			}
			if err := tr.avoid("libx264"); (err != nil) != tc.avoided {
				t.Errorf("got %v", err)
			}
			_ = tr.giveUp(errors.New("none is left"), nil)
			if err := tr.avoid("libx264"); err != nil {
				t.Errorf("it gets no second chance: %v", err)
			}
		})
	}
}

func TestJPEGSize(t *testing.T) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 640, 360)), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := jpegSize(file.Bytes()), []byte{360 >> 8, 360 & 0xff, 640 >> 8, 640 & 0xff}; !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzJPEGSize(f *testing.F) {
	f.Add([]byte{0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 1, 2, 3, 4, 5})
	f.Add([]byte{0xff, 0xd8, 0xff, 0xff, 0xff, 0xe0, 0, 0, 0xff})
	f.Fuzz(func(t *testing.T, file []byte) {
		if size := jpegSize(file); size != nil && len(size) != 4 {
			t.Fatalf("got %v", size)
		}
	})
}
