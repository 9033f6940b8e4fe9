package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const maxJPEG = 8 << 20

// Markers of JPEG (ITU-T T.81 table B.1).
const (
	markerSOI = 0xd8 // start of an image
	markerEOI = 0xd9 // its end
)

// A jpegs reads JPEG files that stand one behind the other. What stands between them, such as the headers of a stream in parts, is passed over.
type jpegs struct {
	in    *bufio.Reader
	pace  pace
	image []byte
}

func newJPEGs(in io.Reader, fps float64) clip {
	if fps == 0 {
		fps = usualFPS
	}
	return &jpegs{in: bufio.NewReaderSize(in, 64<<10), pace: pace{fps: fps}}
}

func (j *jpegs) format() camera.Format { return camera.Format{Codec: camera.MJPEG} }

// next implements clip. A last image that is not whole is left out.
func (j *jpegs) next() (frame, error) {
	err := j.begin()
	if err == nil {
		err = j.finish()
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return frame{}, io.EOF
	case err != nil:
		return frame{}, err
	}
	at := j.pace.next()
	return frame{data: j.image, key: true, show: at, decode: at}, nil
}

// begin looks for the next image.
func (j *jpegs) begin() error {
	for last := byte(0); ; {
		b, err := j.in.ReadByte()
		if err != nil {
			return err
		}
		if last == 0xff && b == markerSOI {
			j.image = append(j.image[:0], 0xff, markerSOI)
			return nil
		}
		last = b
	}
}

// finish reads up to the end of the image, segment by segment: in one there may be another image, a small one for previews.
func (j *jpegs) finish() error {
	for {
		marker, err := j.marker()
		switch {
		case err != nil:
			return err
		case marker == markerEOI:
			return nil
		case marker == 0 || marker >= 0xd0 && marker <= 0xd8 || marker == 0x01: // these stand alone
			continue
		}
		if err := j.segment(); err != nil {
			return err
		}
	}
}

// marker reads up to the next marker and returns it. In coded data, a zero follows each 0xff that is none.
func (j *jpegs) marker() (byte, error) {
	for {
		b, err := j.take()
		for err == nil && b == 0xff {
			if b, err = j.take(); err == nil && b != 0xff {
				return b, nil
			}
		}
		if err != nil {
			return 0, err
		}
	}
}

// segment reads a length and what has it.
func (j *jpegs) segment() error {
	high, err := j.take()
	if err != nil {
		return err
	}
	low, err := j.take()
	if err != nil {
		return err
	}
	for range int(high)<<8 | int(low) - 2 {
		if _, err := j.take(); err != nil {
			return err
		}
	}
	return nil
}

// take reads a byte of the image.
func (j *jpegs) take() (byte, error) {
	b, err := j.in.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0, io.ErrUnexpectedEOF
	}
	if len(j.image) >= maxJPEG {
		return 0, fmt.Errorf("an image has more than %d bytes", maxJPEG)
	}
	j.image = append(j.image, b)
	return b, err
}
