package file

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/packets"
)

const hertz = 90_000

// A clip reads the pictures of a file, in the order in which they are decoded.
type clip interface {
	// next returns the next picture, which is borrowed until it is called again, or io.EOF.
	next() (frame, error)
	// format is valid after the first picture.
	format() camera.Format
}

// A frame is one picture of a clip.
type frame struct {
	data         []byte   // a byte stream, or a JPEG file
	units        [][]byte // NAL units, instead of data
	key          bool
	lost         int
	show, decode int64 // 90 kHz, any origin
}

const (
	late     = time.Second // who is so late does not catch up: the machine slept
	maxStep  = 10 * hertz  // between two pictures; more is another clock
	someStep = hertz / 25  // of a clip with one picture
)

// A player plays clips one after the other, by their own clock, which goes on from one to the next. Each picture is due at a fixed time after the
// first of all, so that no delay adds up.
type player struct {
	to     camera.Receiver
	began  func(camera.Format)
	packer *packets.Packer

	codec camera.Codec
	start time.Time // when the first picture of all was due
	due   int64     // of the newest picture, after that
	step  int64     // from the one before it
}

// play plays a clip to its end.
func (p *player) play(ctx context.Context, c clip) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n, last := 0, int64(0); ; n++ {
		f, err := c.next()
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return &camera.Fault{Reason: camera.WrongCodec, Err: errors.New("there is no whole picture in it"), Advice: "name another clip"}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if p.start.IsZero() {
			p.begin(c.format())
		} else {
			p.advance(f.decode-last, n == 0)
		}
		if n == 0 && !f.key { // what it refers to does not come, and the end of the clip is no good instead
			f.lost++
		}
		last = f.decode
		timer.Reset(p.wait())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		p.send(f)
	}
}

func (p *player) begin(f camera.Format) {
	p.start, p.step, p.codec = time.Now(), someStep, f.Codec
	if f.Codec != camera.MJPEG {
		p.packer = packets.New(p.to, f.Codec)
	}
	p.began(f)
	p.to.Begin(f)
}

// advance moves on to the next picture. That of another round, or of another clock within the clip, comes as long after the one before as that
// came after its own.
func (p *player) advance(step int64, anew bool) {
	if !anew && step > 0 && step <= maxStep {
		p.step = step
	}
	p.due += p.step
}

// wait is how long it is to the newest picture.
func (p *player) wait() time.Duration {
	wait := time.Until(p.start.Add(time.Duration(p.due) * time.Second / hertz))
	if wait < -late {
		p.start = p.start.Add(-wait)
	}
	return wait
}

func (p *player) send(f frame) {
	timestamp := uint32(p.due + f.show - f.decode)
	switch {
	case p.packer == nil:
		p.to.Packet(camera.Packet{Payload: f.data, Timestamp: timestamp, Marker: true, Lost: f.lost})
	case f.units != nil:
		p.packer.Units(f.units, timestamp, f.lost)
	default:
		p.packer.Stream(f.data, timestamp, f.lost)
	}
}
