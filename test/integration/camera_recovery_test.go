package integration

import (
	"slices"
	"testing"
	"time"
)

// An absence is a way for a camera to be away, and how that went.
type absence struct {
	name        string
	camera      *cameraProcess
	goes, comes func(*cameraProcess)
	away        []time.Duration // one round after the other

	stream string
	last   int64     // picture at the service before it went
	back   time.Time // when it was there again
	took   durations // until pictures arrived
}

// A camera stalls, reboots, or somebody pulls its cable; its stream outlives that, and pictures arrive again when it is back. Its key frames
// are a second apart, so that is what it may take beyond one second of our own.
func TestCamerasReturn(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "well=180p15")
	absences := []*absence{
		{name: "stalled", camera: startCamera(t, "stalled=180p15:number=12"), goes: (*cameraProcess).freeze, comes: (*cameraProcess).thaw, away: seconds(7, 15, 3)},
		{name: "rebooted", camera: startCamera(t, "rebooted=180p15:number=13"), goes: (*cameraProcess).end, comes: (*cameraProcess).launch, away: seconds(4, 45, 12)},
		{name: "unplugged", camera: startCableCamera(t, "unplugged=180p15:number=14"), goes: (*cameraProcess).cut, comes: (*cameraProcess).mend, away: seconds(12, 20, 40)},
	}
	names := []string{"well"}
	for _, c := range absences {
		z.add(c.name, c.camera.url, "stall_after: 5s")
		names = append(names, c.name)
	}
	z.start()
	z.waitResults(2, names...)
	streams := z.waitStreams(names...)
	well := z.s.newest(streams["well"]).Index
	for _, c := range absences {
		c.stream = streams[c.name]
		eventually(t, c.name+" has worked for some seconds", func() bool { return z.s.newest(c.stream).Index > 90 })
	}
	for round := range scale(1, 12) {
		if round > 0 {
			time.Sleep(12 * time.Second) // what happened before is forgotten
		}
		z.leave(absences, round)
	}
	for _, c := range absences {
		c.took.report(t, "camera "+c.name+", pictures arrive again after", 2*time.Second)
	}
	z.waitResults(2, names...)
	z.checkSame(streams)
	t.Logf("meanwhile at the camera that was well: %v", flowOf(z.s.pictures(streams["well"], well)))
	z.end()
}

func seconds(list ...int) (d []time.Duration) {
	for _, n := range list {
		d = append(d, time.Duration(n)*time.Second)
	}
	return d
}

// leave has all of them go at once and come back each in its time, and notes how long it then took until pictures arrived.
func (z *zoo) leave(absences []*absence, round int) {
	z.t.Helper()
	away := func(c *absence) time.Duration { return c.away[round%len(c.away)] }
	start := time.Now()
	for _, c := range absences {
		c.last = z.s.newest(c.stream).Index
		c.goes(c.camera)
	}
	for _, c := range slices.SortedFunc(slices.Values(absences), func(a, b *absence) int { return int(away(a) - away(b)) }) {
		time.Sleep(time.Until(start.Add(away(c))))
		c.comes(c.camera)
		c.back = time.Now()
	}
	for _, c := range absences {
		took := z.s.pictureAfter(c.stream, c.last, c.back).Sub(c.back)
		c.took = append(c.took, took)
		z.t.Logf("%s for %v: pictures again after %v", c.name, away(c), took.Round(10*time.Millisecond))
	}
}

// pictureAfter blocks until a picture arrived after a moment, and after picture last, and returns when.
func (s *simulator) pictureAfter(stream string, last int64, since time.Time) (at time.Time) {
	s.t.Helper()
	eventually(s.t, "pictures arrive again at "+stream, func() bool {
		for _, p := range s.pictures(stream, last) {
			if p.At.After(since) {
				at = p.At
				return true
			}
		}
		return false
	})
	return at
}
