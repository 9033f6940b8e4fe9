//go:build vm

package m2m_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/m2m"
	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// These tests run in a machine with vicodec, the kernel's stand-in for an encoder, with and without planes. It makes FWHT instead of H.264, wants
// blocks of eight, has no bitrate, and makes no key frame when it is asked for one.

// A desk gives pictures and keeps what was made of them.
type desk struct {
	frames []*encode.Frame
	gate   func(given, made int) // called before each picture is given
	used   func() time.Duration

	mu    sync.Mutex
	given int
	made  []unit
}

type unit struct {
	bytes     []byte
	timestamp uint32
}

func (d *desk) Take(ctx context.Context) *encode.Frame {
	d.mu.Lock()
	given, made := d.given, len(d.made)
	d.mu.Unlock()
	if d.gate != nil {
		d.gate(given, made)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.given == len(d.frames) || ctx.Err() != nil {
		return nil
	}
	d.given++
	return d.frames[d.given-1]
}

func (d *desk) Emit(b []byte, timestamp uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made = append(d.made, unit{bytes.Clone(b), timestamp})
}

func (d *desk) Skip()                           {}
func (d *desk) Meter(used func() time.Duration) { d.used = used }

func job(c camera.Codec, width, height int) encode.Job {
	return encode.Job{Codec: c, Width: width, Height: height, Bitrate: 1_000_000, Log: zap.NewNop()}
}

// step is the time between two pictures, in ticks that are no whole microseconds.
const step = 3001

// frames are pictures in which brightness grows from left to right and from top to bottom, and colours differ.
func frames(j encode.Job, count int, forced ...int) (all []*encode.Frame) {
	picture := gradient(j)
	for i := range count {
		all = append(all, encode.NewFrame(picture, int64(i)*step, i == 0 || slices.Contains(forced, i)))
	}
	return all
}

func gradient(j encode.Job) []byte {
	light := func(x, y int) byte { return byte(16 + 200*(x*j.Height+y*j.Width)/(2*j.Width*j.Height)) }
	const blue, red = 90, 160
	var picture []byte
	for y := range j.Height {
		for x := range j.Width {
			picture = append(picture, light(x, y))
			if j.Codec == camera.YUYV {
				picture = append(picture, []byte{blue, red}[x%2])
			}
		}
	}
	switch quarter := j.Width * j.Height / 4; j.Codec {
	case camera.NV12:
		return append(picture, bytes.Repeat([]byte{blue, red}, quarter)...)
	case camera.I420:
		return append(append(picture, bytes.Repeat([]byte{blue}, quarter)...), bytes.Repeat([]byte{red}, quarter)...)
	}
	return picture
}

// key tells whether a picture of FWHT needs no other (struct fwht_cframe_hdr, V4L2_FWHT_FL_I_FRAME).
func key(b []byte) bool {
	const flagsAt, keyFlag = 20, 1 << 10
	return binary.BigEndian.Uint32(b[flagsAt:])&keyFlag != 0
}

func encoder() encode.Encoder { return m2m.Of(v4l2.FWHT).Encoders()[0] }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEncodes(t *testing.T) {
	for _, codec := range []camera.Codec{camera.YUYV, camera.NV12, camera.I420} {
		t.Run(string(codec), func(t *testing.T) {
			j := job(codec, 646, 486) // neither is a multiple of eight
			d := &desk{frames: frames(j, 10)}
			check(t, encoder().Work(t.Context(), j, d))
			if len(d.made) != len(d.frames) {
				t.Fatalf("%d pictures of %d", len(d.made), len(d.frames))
			}
			for i, u := range d.made {
				if u.timestamp != d.frames[i].Timestamp() {
					t.Errorf("picture %d has the time %d instead of %d", i, u.timestamp, d.frames[i].Timestamp())
				}
			}
			if !key(d.made[0].bytes) || d.used() <= 0 {
				t.Errorf("key frame %v, after %v of processor time", key(d.made[0].bytes), d.used())
			}
			compare(t, j, decode(t, d.made, j))
		})
	}
}

// A key frame comes of the very picture for which it was wanted, and everything else in its place.
func TestForcedKeyFrame(t *testing.T) {
	j := job(camera.NV12, 640, 480)
	d := &desk{frames: frames(j, 12, 3, 7)}
	check(t, encoder().Work(t.Context(), j, d))
	if len(d.made) != len(d.frames) {
		t.Fatalf("%d pictures of %d", len(d.made), len(d.frames))
	}
	for i, u := range d.made {
		if want := i == 0 || i == 3 || i == 7; key(u.bytes) != want || u.timestamp != d.frames[i].Timestamp() {
			t.Errorf("picture %d: key frame %v, time %d instead of %d", i, key(u.bytes), u.timestamp, d.frames[i].Timestamp())
		}
	}
}

// Before a picture is taken there is room for it: what waits in the device is old.
func TestNoQueueInTheDevice(t *testing.T) {
	j := job(camera.YUYV, 640, 480)
	d := &desk{frames: frames(j, 20)}
	most := 0
	d.gate = func(given, made int) { most = max(most, given-made) }
	check(t, encoder().Work(t.Context(), j, d))
	if most > 5 { // one in a buffer of the input, and four in those of the output, which nobody may have looked at yet
		t.Errorf("%d pictures were in the device at once", most)
	}
}

func TestPictureThatIsTooShort(t *testing.T) {
	j := job(camera.NV12, 640, 480)
	d := &desk{frames: []*encode.Frame{encode.NewFrame(make([]byte, 100), 0, true)}}
	if err := encoder().Work(t.Context(), j, d); err == nil || !strings.Contains(err.Error(), "100 bytes instead of 460800") {
		t.Errorf("Work returned %v", err)
	}
}

func TestSizeThatItDoesNotHave(t *testing.T) {
	j := job(camera.NV12, 8192, 4320)
	if err := encoder().Work(t.Context(), j, &desk{}); err == nil || !strings.Contains(err.Error(), "8192x4320") {
		t.Errorf("Work returned %v", err)
	}
}

func TestNoEncoderOfH264(t *testing.T) {
	err := m2m.New().Encoders()[0].Work(t.Context(), job(camera.NV12, 640, 480), &desk{})
	if err == nil || !strings.Contains(err.Error(), "no V4L2 device that makes H264 of NV12") {
		t.Errorf("Work returned %v", err)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	j := job(camera.NV12, 640, 480)
	ctx, cancel := context.WithCancel(t.Context())
	d := &desk{frames: frames(j, 30)}
	d.gate = func(given, _ int) {
		if given == 10 {
			cancel()
		}
	}
	if err := encoder().Work(ctx, j, d); !errors.Is(err, context.Canceled) {
		t.Errorf("Work returned %v", err)
	}
}

func TestDeviceThatGoesAway(t *testing.T) {
	j := job(camera.NV12, 640, 480)
	d := &desk{frames: frames(j, 50)}
	d.gate = func(given, _ int) {
		if given == 5 {
			driver(t, "unbind")
		}
	}
	err := encoder().Work(t.Context(), j, d)
	driver(t, "bind")
	if !errors.Is(err, unix.ENODEV) || d.given > 10 {
		t.Errorf("Work returned %v after %d pictures", err, d.given)
	}
	again := &desk{frames: frames(j, 3)}
	check(t, encoder().Work(t.Context(), j, again))
	if len(again.made) != 3 {
		t.Errorf("afterwards: %d pictures of 3", len(again.made))
	}
}

func driver(t *testing.T, what string) {
	t.Helper()
	check(t, os.WriteFile("/sys/bus/platform/drivers/vicodec/"+what, []byte("vicodec.0"), 0))
}

func TestNothingIsLeftBehind(t *testing.T) {
	j := job(camera.NV12, 640, 360)
	all := frames(j, 2)
	round := func(i int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := &desk{frames: all}
		d.gate = func(given, _ int) {
			if i%2 == 1 && given == 1 {
				cancel()
			}
		}
		if err := encoder().Work(ctx, j, d); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
	}
	round(0)
	files, goroutines := held(t), runtime.NumGoroutine()
	for i := range 200 {
		round(i)
	}
	if f, g := held(t), runtime.NumGoroutine(); f != files || g > goroutines {
		t.Errorf("%d files and %d goroutines, %d and %d before", f, g, files, goroutines)
	}
	b, err := os.ReadFile("/proc/self/maps")
	check(t, err)
	if strings.Contains(string(b), "/dev/video") {
		t.Errorf("mappings are left:\n%s", b)
	}
}

func held(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(entries)
}
