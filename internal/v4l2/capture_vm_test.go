//go:build vm

package v4l2_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sys/unix"
)

func TestEnumerate(t *testing.T) {
	for name, path := range webcams(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, path)
			formats, err := d.Formats(v4l2.Capture)
			check(t, err)
			if !slices.ContainsFunc(formats, func(f v4l2.FormatDescription) bool { return f.FourCC == v4l2.YUYV && !f.Compressed }) {
				t.Errorf("no YUYV among %+v", formats)
			}
			sizes, err := d.Sizes(v4l2.YUYV)
			check(t, err)
			want := v4l2.Size{Width: 640, Height: 360}
			if !slices.Contains(sizes, v4l2.SizeRange{Min: want, Max: want}) {
				t.Errorf("no %v among %v", want, sizes)
			}
			intervals, err := d.Intervals(v4l2.YUYV, want)
			check(t, err)
			if len(intervals) == 0 || intervals[0].Min.Rate() < 1 {
				t.Errorf("intervals %v", intervals)
			}
			if none, err := d.Intervals(v4l2.YUYV, v4l2.Size{Width: 7, Height: 7}); err != nil || len(none) != 0 {
				t.Errorf("intervals of no size: %v, %v", none, err)
			}
			if none, err := d.Formats(v4l2.Output); err != nil || len(none) != 0 {
				t.Errorf("formats of a side that is not there: %v, %v", none, err)
			}
		})
	}
}

func TestImpossibleWishesAreAnswered(t *testing.T) {
	for name, path := range webcams(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, path)
			f, err := d.SetFormat(v4l2.Capture, v4l2.Format{FourCC: v4l2.H264, Width: 641, Height: 479})
			check(t, err)
			sizes, err := d.Sizes(f.FourCC)
			check(t, err)
			got := v4l2.Size{Width: f.Width, Height: f.Height}
			if f.FourCC == v4l2.H264 || !slices.Contains(sizes, v4l2.SizeRange{Min: got, Max: got}) {
				t.Errorf("the answer is %+v, none of %v", f, sizes)
			}
			if p := f.Planes[0]; p.Stride < 2*f.Width || p.Size < p.Stride*f.Height {
				t.Errorf("pictures do not fit: %+v", f)
			}
			if now, err := d.Format(v4l2.Capture); err != nil || now.Width != f.Width || now.FourCC != f.FourCC {
				t.Errorf("set to %+v, %v, answered %+v", now, err, f)
			}
			interval, err := d.SetInterval(v4l2.Fraction{Numerator: 1, Denominator: 10000})
			if err != nil || interval.Rate() > 1000 || interval.Rate() < 1 {
				t.Errorf("interval %v, %v", interval, err)
			}
		})
	}
}

func TestCapture(t *testing.T) {
	for name, path := range webcams(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, path)
			q, f := start(t, d, small)
			if q.Buffers() < 3 {
				t.Errorf("%d buffers", q.Buffers())
			}
			for round := range 2 {
				var last v4l2.Picture
				for i := range 5 * q.Buffers() {
					check(t, next(t, d, q, func(p v4l2.Picture) error {
						if len(p.Planes) != 1 || len(p.Planes[0]) != f.Planes[0].Size || !p.Monotonic || p.Broken {
							t.Errorf("picture %+v of %+v", p, f)
						}
						if i > 0 && (p.Sequence <= last.Sequence || p.Timestamp <= last.Timestamp) {
							t.Errorf("picture %d at %v after %d at %v", p.Sequence, p.Timestamp, last.Sequence, last.Timestamp)
						}
						last = v4l2.Picture{Sequence: p.Sequence, Timestamp: p.Timestamp}
						return nil
					}))
				}
				if now := monotonic(t); (now - last.Timestamp).Abs() > patience { // vivid is a little ahead
					t.Errorf("round %d: the last picture is of %v, and it is %v", round, last.Timestamp, now)
				}
				check(t, q.Stop())
				check(t, q.Start())
			}
		})
	}
}

func monotonic(t *testing.T) time.Duration {
	t.Helper()
	var now unix.Timespec
	check(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return time.Duration(now.Nano())
}

func TestCaptureOfManyPlanes(t *testing.T) {
	d := open(t, vivid(t, "1"))
	const ym12 = v4l2.FourCC('Y' | 'M'<<8 | '1'<<16 | '2'<<24) // 4:2:0 in three pieces of memory
	q, f := start(t, d, v4l2.Format{FourCC: ym12, Width: 320, Height: 180})
	if len(f.Planes) != 3 {
		t.Fatalf("format %+v", f)
	}
	check(t, next(t, d, q, func(p v4l2.Picture) error {
		for i, plane := range p.Planes {
			if len(plane) == 0 || len(plane) > f.Planes[i].Size {
				t.Errorf("plane %d has %d bytes of %d", i, len(plane), f.Planes[i].Size)
			}
		}
		if len(p.Planes) != 3 {
			t.Errorf("%d planes", len(p.Planes))
		}
		return nil
	}))
}

// However the function ends that looks at a picture, the camera gets the buffer back.
func TestBuffersGoBack(t *testing.T) {
	for name, path := range webcams(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, path)
			q, _ := start(t, d, small)
			mine := errors.New("mine")
			for range 2 * q.Buffers() {
				if err := next(t, d, q, func(v4l2.Picture) error { return mine }); !errors.Is(err, mine) {
					t.Fatalf("Read returned %v", err)
				}
				func() {
					defer func() {
						if recover() == nil {
							t.Fatal("the panic was lost")
						}
					}()
					_ = next(t, d, q, func(v4l2.Picture) error { panic("mine") })
				}()
			}
			check(t, next(t, d, q, ignore))
		})
	}
}

func TestNoPictureYet(t *testing.T) {
	d := open(t, vivid(t, "0"))
	q, _ := start(t, d, small)
	for {
		err := q.Read(ignore)
		if errors.Is(err, v4l2.ErrAgain) {
			break
		}
		check(t, err)
	}
	check(t, d.SetControl(control(t, d, "Percentage of Dropped").ID, 100))
	defer func() { check(t, d.SetControl(control(t, d, "Percentage of Dropped").ID, 0)) }()
	for {
		_, err := d.Wait(t.Context(), v4l2.Readable, time.Second)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		check(t, err)
		check(t, q.Read(ignore))
	}
}

func TestAnotherProgramStreams(t *testing.T) {
	path := vivid(t, "0")
	d, other := open(t, path), open(t, path)
	start(t, d, small)
	if _, err := other.SetFormat(v4l2.Capture, small); !errors.Is(err, unix.EBUSY) {
		t.Errorf("SetFormat returned %v", err)
	}
	if _, err := other.CaptureQueue(4); !errors.Is(err, unix.EBUSY) {
		t.Errorf("CaptureQueue returned %v", err)
	}
}

func TestFormatCanChangeBetweenQueues(t *testing.T) {
	d := open(t, vivid(t, "0"))
	q, _ := start(t, d, small)
	check(t, next(t, d, q, ignore))
	check(t, q.Close())
	check(t, q.Close())
	q, f := start(t, d, v4l2.Format{FourCC: v4l2.NV12, Width: 640, Height: 360})
	check(t, next(t, d, q, func(p v4l2.Picture) error {
		if len(p.Planes[0]) != f.Planes[0].Size || f.Planes[0].Size < 640*360*3/2 {
			t.Errorf("%d bytes of %+v", len(p.Planes[0]), f)
		}
		return nil
	}))
}

func TestNothingIsLeftBehind(t *testing.T) {
	for name, path := range webcams(t) {
		t.Run(name, func(t *testing.T) {
			round := func(i int) {
				d, err := v4l2.Open(path)
				check(t, err)
				q, _ := start(t, d, small)
				if i%20 == 0 {
					check(t, next(t, d, q, ignore))
				}
				if i%2 == 0 {
					check(t, q.Close())
				}
				check(t, d.Close())
				check(t, d.Close())
			}
			round(0) // what the runtime opens for itself is there after this
			files, maps := held(t)
			for i := range 200 {
				round(i)
			}
			if f, m := held(t); f != files || m != maps || m != 0 {
				t.Errorf("%d files and %d mappings, %d and %d before", f, m, files, maps)
			}
		})
	}
}
