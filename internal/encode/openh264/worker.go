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

// A worker is the work for one camera. It belongs to one goroutine.
type worker struct {
	job    encode.Job
	desk   encode.Desk
	coder  coder
	size   image.Point // of the pictures that the coder was opened for
	planes planes
	tables []byte // see complete

	rate encode.Rate
	owed bool // a key frame that was asked for, and did not come yet
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
	w.owed = w.owed || f.Force
	picture, err := w.picture(f)
	if err != nil { // of one damaged picture the others know nothing
		w.desk.Skip()
		return nil
	}
	if err := w.prepare(picture.Rect.Size(), f.Ticks); err != nil {
		return err
	}
	unit, err := w.coder.encode(picture, w.owed)
	if err != nil {
		return fmt.Errorf("encoding a picture with openh264: %w", err)
	}
	if len(unit) == 0 {
		w.desk.Skip()
		return nil
	}
	w.owed = false
	w.desk.Emit(unit, f.Timestamp())
	return nil
}

// prepare sees to it that there is a coder for a picture. The library must never get one of another size than it was opened for; that of a JPEG is
// only certain when it is decoded.
func (w *worker) prepare(size image.Point, ticks int64) (err error) {
	if w.rate.Wrong(ticks) || w.size != size { // neither can be changed
		w.close()
	}
	if w.coder != nil {
		return nil
	}
	if err := fits(w.job, size.Y); err != nil {
		return err
	}
	if w.coder, err = open(size.X, size.Y, w.job.Bitrate, w.rate.Assumed); err != nil {
		return fmt.Errorf("opening openh264 for %dx%d: %w", size.X, size.Y, err)
	}
	w.size = size
	return nil
}

// picture returns the picture as the library wants it, borrowed until the next call.
func (w *worker) picture(f *encode.Frame) (*image.YCbCr, error) {
	if w.job.Codec == camera.MJPEG {
		return w.planes.fromJPEG(complete(f.Data(), w.tables))
	}
	return w.planes.fromRaw(w.job.Codec, w.job.Width, w.job.Height, f.Data()), nil
}

func (w *worker) close() {
	if w.coder != nil {
		w.coder.close()
		w.coder = nil
	}
}
