package openh264

import (
	"context"
	"fmt"
	"image"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// A coder is one life of the library's encoder. All calls belong to one goroutine: it locks nothing.
type coder interface {
	// encode returns an access unit as a byte stream, nil where the picture is left out to keep within the bits.
	encode(picture *image.YCbCr, key bool) ([]byte, error)
	close()
}

const (
	// usualRate is how many pictures a second cameras send, more or less. The encoder gives each picture its share of the bits of a second, and wants
	// to know it in advance.
	usualRate = 30
	// window is for how many pictures the rate is measured.
	window = 60
)

// A worker is the work for one camera. It belongs to one goroutine.
type worker struct {
	job    encode.Job
	desk   encode.Desk
	coder  coder
	planes planes
	tables []byte // see complete

	rate    float64 // pictures a second, as the coder was told
	counted int     // pictures in the window
	begun   int64   // ticks of its first
	owed    bool    // a key frame that was asked for, of a picture that was left out
}

func (w *worker) run(ctx context.Context) error {
	for {
		f := w.desk.Take(ctx)
		if f == nil {
			return ctx.Err()
		}
		if err := w.encode(f); err != nil {
			return err
		}
	}
}

func (w *worker) encode(f *encode.Frame) error {
	picture, err := w.picture(f)
	if err != nil { // of one damaged picture the others know nothing
		w.desk.Skip()
		return nil
	}
	if w.misjudged(f.Ticks) {
		w.close()
	}
	if w.coder == nil {
		if err := fits(w.job, picture.Rect.Dy()); err != nil {
			return err
		}
		if w.coder, err = open(picture.Rect.Dx(), picture.Rect.Dy(), w.job.Bitrate, w.rate); err != nil {
			return fmt.Errorf("opening openh264 for %dx%d: %w", picture.Rect.Dx(), picture.Rect.Dy(), err)
		}
	}
	key := f.Force || w.owed
	unit, err := w.coder.encode(picture, key)
	if err != nil {
		return fmt.Errorf("encoding a picture with openh264: %w", err)
	}
	if w.owed = key && len(unit) == 0; len(unit) == 0 {
		w.desk.Skip()
		return nil
	}
	w.desk.Emit(unit, f.Timestamp())
	return nil
}

// picture returns the picture as the library wants it, borrowed until the next call.
func (w *worker) picture(f *encode.Frame) (*image.YCbCr, error) {
	if w.job.Codec == camera.MJPEG {
		return w.planes.fromJPEG(complete(f.Data(), w.tables))
	}
	return w.planes.fromRaw(w.job.Codec, w.job.Width, w.job.Height, f.Data()), nil
}

// misjudged measures the rate, and tells whether the coder was told a wrong one, so that another must take over. What it was told cannot be changed.
func (w *worker) misjudged(ticks int64) bool {
	if w.counted == 0 || ticks <= w.begun {
		w.counted, w.begun = 1, ticks
		return false
	}
	if w.counted++; w.counted <= window {
		return false
	}
	rate := min(max(1, float64(window)*encode.Hertz/float64(ticks-w.begun)), 120)
	w.counted, w.begun = 1, ticks
	if off := rate / w.rate; off > 0.8 && off < 1.25 {
		return false
	}
	w.rate = rate
	return true
}

func (w *worker) close() {
	if w.coder != nil {
		w.coder.close()
		w.coder = nil
	}
}
