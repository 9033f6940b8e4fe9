package ffmpeg

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

const (
	tsPacket   = 188
	tsSync     = 0x47
	videoPID   = 0x100 // mpegts_start_pid of ffmpeg, for its first stream
	maxPicture = 8 << 20
)

// A demuxer reads pictures from the MPEG-TS (ISO/IEC 13818-1) that ffmpeg writes: one video, one picture in each PES packet.
//
// It is our own because readers made for broadcasts learn the end of a picture from the start of the next, and give each one a picture late.
// ffmpeg tells the length of a picture up to 64 KiB; of a larger one the last packet is recognized by its padding.
type demuxer struct {
	picture []byte // so far
	pts     uint64 // 33 bits, 90 kHz
	want    int    // bytes of the picture; 0: it does not say
	open    bool   // within a picture
}

// run calls emit for each whole picture in r: its bytes, borrowed until emit returns, and its timestamp of 33 bits. It returns nil at the
// end of r.
func (d *demuxer) run(r io.Reader, emit func(picture []byte, pts uint64)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var packet [tsPacket]byte
	for {
		switch _, err := io.ReadFull(in, packet[:]); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil // a picture without its end may be half of one
		case err != nil:
			return fmt.Errorf("reading from ffmpeg: %w", err)
		}
		if err := d.packet(packet[:], emit); err != nil {
			return fmt.Errorf("what ffmpeg wrote is no MPEG-TS: %w", err)
		}
	}
}

func (d *demuxer) packet(p []byte, emit func([]byte, uint64)) error {
	if p[0] != tsSync {
		return fmt.Errorf("a packet begins with %#x", p[0])
	}
	if pid := int(p[1]&0x1f)<<8 | int(p[2]); pid != videoPID {
		return nil // tables
	}
	body, padded, err := payload(p)
	if err != nil {
		return err
	}
	if begins := p[1]&0x40 != 0; begins {
		if d.open && d.want > 0 {
			return errors.New("a picture shorter than it said")
		}
		d.finish(emit) // it filled its last packet to the last byte, which looked like any other
		if body, err = d.begin(body); err != nil {
			return err
		}
	}
	if !d.open {
		return errors.New("a picture goes on after its end")
	}
	if len(d.picture)+len(body) > maxPicture {
		return fmt.Errorf("a picture has more than %d bytes", maxPicture)
	}
	d.picture = append(d.picture, body...)
	if d.want > 0 && len(d.picture) > d.want {
		return errors.New("a picture longer than it said")
	}
	if d.want > 0 && len(d.picture) == d.want || d.want == 0 && padded {
		d.finish(emit)
	}
	return nil
}

// payload returns what follows the header and the adaptation field (section 2.4.3), and whether there is padding in that.
func payload(p []byte) (body []byte, padded bool, err error) {
	const head = 4
	if p[3]&0x10 == 0 {
		return nil, false, nil
	}
	if p[3]&0x20 == 0 {
		return p[head:], false, nil
	}
	length := int(p[head])
	if head+1+length >= len(p) {
		return nil, false, fmt.Errorf("an adaptation field of %d bytes", length)
	}
	needed := 0
	if length > 0 {
		if flags := p[head+1]; flags != 0 {
			needed = 1
			if flags&0x10 != 0 { // a clock reference
				needed += 6
			}
		}
	}
	return p[head+1+length:], length > needed || length == 0, nil
}

// begin reads the header of a PES packet (section 2.4.3.6) and returns what follows.
func (d *demuxer) begin(body []byte) ([]byte, error) {
	const fixed, stamped = 9, 14
	if len(body) < stamped || body[0] != 0 || body[1] != 0 || body[2] != 1 {
		return nil, errors.New("a picture without its header")
	}
	length, header := int(body[4])<<8|int(body[5]), fixed+int(body[8])
	if body[7]&0x80 == 0 || header < stamped || header > len(body) {
		return nil, errors.New("a picture without its timestamp")
	}
	d.pts = uint64(body[9]>>1&7)<<30 | uint64(body[10])<<22 | uint64(body[11]>>1)<<15 | uint64(body[12])<<7 | uint64(body[13]>>1)
	d.open, d.picture, d.want = true, d.picture[:0], 0
	if length > 0 {
		if d.want = length + 6 - header; d.want <= 0 {
			return nil, errors.New("a picture shorter than its header")
		}
	}
	return body[header:], nil
}

// finish hands out the picture, if there is one.
func (d *demuxer) finish(emit func([]byte, uint64)) {
	if d.open && len(d.picture) > 0 {
		emit(d.picture, d.pts)
	}
	d.open = false
}
