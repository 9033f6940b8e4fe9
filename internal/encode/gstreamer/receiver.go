package gstreamer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
)

const (
	// rate is what GStreamer is told: pictures a second. Only the encoder's share of bits for each depends on it.
	rate      = 30
	step      = encode.Hertz / rate // of RTP timestamps, from picture to picture
	maxPacket = 65_000              // bytes
	maxUnits  = 8 << 20             // bytes of a picture
)

// A receiver puts the packets of pictures together.
type receiver struct {
	packet  rtp.Packet
	ticks   int64  // the timestamp of the newest packet, which wraps after half a day, on a line without end
	picture []byte // so far, as a byte stream
}

// run calls emit for each whole picture in r, borrowed until emit returns, with its number. It returns nil at the end of r.
func (p *receiver) run(r io.Reader, emit func(picture []byte, number int)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	packet := make([]byte, 1<<16)
	for {
		var length [2]byte
		_, err := io.ReadFull(in, length[:])
		n := int(binary.BigEndian.Uint16(length[:]))
		if err == nil {
			_, err = io.ReadFull(in, packet[:n])
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil // a picture without its end may be half of one
		case err != nil:
			return fmt.Errorf("reading from gst-launch-1.0: %w", err)
		}
		if err := p.take(packet[:n], emit); err != nil {
			return fmt.Errorf("what gst-launch-1.0 wrote is no RTP of H.264: %w", err)
		}
	}
}

func (p *receiver) take(packet []byte, emit func([]byte, int)) error {
	if err := p.packet.Unmarshal(packet); err != nil {
		return err
	}
	p.ticks += int64(int32(p.packet.Timestamp - uint32(p.ticks)))
	p.add(p.packet.Payload)
	if len(p.picture) > maxUnits {
		return fmt.Errorf("a picture has more than %d bytes", maxUnits)
	}
	if p.packet.Marker {
		emit(p.picture, int((p.ticks+step/2)/step))
		p.picture = p.picture[:0]
	}
	return nil
}

func (p *receiver) add(payload []byte) {
	part, fragment := h264.ParseFragment(payload)
	switch {
	case fragment && part.Start:
		p.picture = append(append(p.picture, 0, 0, 0, 1, part.Header), part.Body...)
	case fragment:
		p.picture = append(p.picture, part.Body...)
	default:
		h264.EachUnit(payload, func(unit []byte) { p.picture = append(append(p.picture, 0, 0, 0, 1), unit...) })
	}
}

// stamps remembers the timestamps of the newest pictures by their number.
type stamps struct {
	mu    sync.Mutex
	count int
	ring  [256]uint32
}

func (s *stamps) add(timestamp uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring[s.count%len(s.ring)] = timestamp
	s.count++
}

func (s *stamps) of(number int) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ring[max(number, 0)%len(s.ring)]
}
