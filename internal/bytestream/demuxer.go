package bytestream

import (
	"bytes"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const (
	tsPacket = 188
	tsSync   = 0x47
	noPID    = -1
)

// A Demuxer reads the first video of MPEG-TS (ISO/IEC 13818-1), as any program may write it: any PIDs, tables in several packets, pictures
// with and without a length, several in one PES packet or one in several. It belongs to one goroutine.
type Demuxer struct {
	emit  func(Picture)
	codec camera.Codec // of the video; "" before it is known

	rest    []byte // less than a packet
	synced  bool
	video   int              // its PID
	program int              // the PID of the table that told of it
	tables  map[int]*section // by PID, those that are listened to
	pes     pes
	split   *Splitter

	counter  int // of the newest packet of the video, -1 before the first
	repeated bool
	begun    bool  // there was a picture
	last     Stamp // of the newest one, as passed on
	told     Stamp // the same, as it came
	step     int64 // between the last two pictures that had a stamp
}

// NewDemuxer returns a Demuxer that calls emit for each picture, whose bytes are borrowed until emit returns.
func NewDemuxer(emit func(Picture)) *Demuxer {
	return &Demuxer{emit: emit, video: noPID, counter: -1, tables: map[int]*section{patPID: {}}, step: defaultStep}
}

// defaultStep is the time between pictures of which nothing is known: 30 in a second.
const defaultStep = 3000

// Codec is that of the video, "" before it is known.
func (d *Demuxer) Codec() camera.Codec { return d.codec }

// Pending tells whether there may be a whole picture that was not emitted yet.
func (d *Demuxer) Pending() bool { return d.split != nil && d.split.Pending() }

// Pause says that the sender wrote nothing for some milliseconds.
func (d *Demuxer) Pause() {
	if d.split != nil && len(d.rest) == 0 {
		d.split.Hint(Paused)
	}
}

// Flush says that nothing follows.
func (d *Demuxer) Flush() {
	if d.split != nil {
		d.split.Flush()
	}
}

// Late is as that of a Splitter.
func (d *Demuxer) Late() bool { return d.split != nil && d.split.Late() }

// An UnusableError says that there is no video that could be used. The text completes "the MPEG-TS holds …".
type UnusableError struct{ Holds string }

func (e *UnusableError) Error() string { return "the MPEG-TS holds " + e.Holds }

// Write takes the next piece. The error is an *UnusableError.
func (d *Demuxer) Write(piece []byte) error {
	if len(d.rest) > 0 {
		n := min(tsPacket-len(d.rest), len(piece))
		d.rest = append(d.rest, piece[:n]...)
		if piece = piece[n:]; len(d.rest) < tsPacket {
			return nil
		}
		if d.rest[0] != tsSync || !d.synced {
			piece = append(bytes.Clone(d.rest), piece...) // rare: it must be looked at as a whole
		} else if err := d.packet(d.rest); err != nil {
			return err
		}
		d.rest = d.rest[:0]
	}
	for len(piece) >= tsPacket {
		if piece[0] != tsSync || !d.synced {
			n, ok := d.sync(piece)
			if piece = piece[n:]; !ok {
				break
			}
		}
		if err := d.packet(piece[:tsPacket]); err != nil {
			return err
		}
		piece = piece[tsPacket:]
	}
	d.rest = append(d.rest, piece...)
	return nil
}

// sync finds where packets begin: at two sync bytes with a packet between them, the second perhaps yet to come. It returns how many bytes
// before that are of no use.
func (d *Demuxer) sync(piece []byte) (skip int, ok bool) {
	if d.synced {
		d.synced = false
		d.interrupt(1)
	}
	for i := range piece {
		if piece[i] != tsSync {
			continue
		}
		if i+tsPacket >= len(piece) {
			return i, len(piece)-i == tsPacket && d.begin()
		}
		if piece[i+tsPacket] == tsSync {
			return i, d.begin()
		}
	}
	return len(piece), false
}

func (d *Demuxer) begin() bool {
	d.synced = true
	return true
}

// packet takes one packet (section 2.4.3.2).
func (d *Demuxer) packet(p []byte) error {
	pid := int(p[1]&0x1f)<<8 | int(p[2])
	table := d.tables[pid]
	if table == nil && pid != d.video {
		return nil
	}
	if p[1]&0x80 != 0 { // it is known to be damaged; what it counts is not, perhaps
		return nil
	}
	body, jumped, ok := payload(p)
	if !ok {
		return nil
	}
	starts := p[1]&0x40 != 0
	if table != nil {
		return table.write(body, starts, func(t []byte) error { return d.table(pid, t) })
	}
	if p[3]&0xc0 != 0 {
		return &UnusableError{"encrypted video"}
	}
	if d.count(int(p[3]&0xf), jumped) {
		return nil
	}
	d.elementary(body, starts)
	return nil
}

// payload returns what follows the header and the adaptation field (section 2.4.3.4), and whether the sender says that its counter jumps.
func payload(p []byte) (body []byte, jumped, ok bool) {
	const head = 4
	switch p[3] & 0x30 {
	case 0x10:
		return p[head:], false, true
	case 0x30:
		length := int(p[head])
		if head+1+length >= len(p) {
			return nil, false, false
		}
		return p[head+1+length:], length > 0 && p[head+1]&0x80 != 0, true
	}
	return nil, false, false
}

// count follows the counter of the video's packets, and tells whether this one repeats the one before, as senders may do once.
func (d *Demuxer) count(counter int, jumped bool) (repeats bool) {
	before := d.counter
	d.counter = counter
	switch {
	case before < 0 || jumped:
	case counter == before && !d.repeated:
		d.repeated = true
		return true
	case counter != (before+1)&0xf:
		d.interrupt((counter - before - 1) & 0xf)
	}
	d.repeated = false
	return false
}

// interrupt says that packets are missing, at least one.
func (d *Demuxer) interrupt(lost int) {
	d.pes.drop()
	if d.split != nil {
		d.split.Break(max(lost, 1))
	}
}

// elementary takes what a packet of the video carries.
func (d *Demuxer) elementary(body []byte, starts bool) {
	if starts {
		d.pes.begin()
	}
	data, whole := d.pes.take(body)
	d.split.Write(data, d.pes.stamp)
	if whole {
		d.split.Hint(PacketEnd)
	}
}

// picture passes on a picture. One that began in the same PES packet as the one before, or in one without a stamp, gets a later one.
func (d *Demuxer) picture(p Picture) {
	came := p.Stamp
	if !d.begun {
		d.begun = true
	} else if came == d.told {
		p.Stamp = Stamp{d.last.Show + d.step, d.last.Decode + d.step}
	} else if step := came.Decode - d.told.Decode; step > 0 && step < maxStep {
		d.step = step
	}
	d.told, d.last = came, p.Stamp
	d.emit(p)
}

// maxStep is the largest that can be the time between two pictures; more is a pause, or another clock.
const maxStep = 10 * 90_000
