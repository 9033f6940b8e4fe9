package exec

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/packets"
)

// A tap makes packets of what a program writes. It belongs to one goroutine.
type tap struct {
	config Config
	to     camera.Receiver
	found  func(name, value string)

	bytes    int64
	head     []byte // what came before it is known what it is
	tried    int    // how much of it was looked at in vain
	split    *bytestream.Splitter
	demux    *bytestream.Demuxer
	packer   *packets.Packer // nil before the first picture
	pictures int
	start    time.Time
	clock    clock
	late     bool // that is known, and told
}

func newTap(c Config, to camera.Receiver, found func(name, value string)) *tap {
	return &tap{config: c, to: to, found: found, start: time.Now(), clock: newClock(c.FPS)}
}

// begun tells whether a picture came.
func (t *tap) begun() bool { return t.packer != nil }

// pending tells whether there may be a whole picture that did not go on yet.
func (t *tap) pending() bool {
	return t.split != nil && t.split.Pending() || t.demux != nil && t.demux.Pending()
}

// trial is how long a program may give pictures faster than any camera: those of a live stream often begin with what they have in store.
const trial = 10 * time.Second

// hasty tells whether pictures come as fast as a file can be read, and not as they were taken.
func (t *tap) hasty(now time.Time) bool {
	going := now.Sub(t.start)
	return going >= trial && float64(t.pictures) > maxFPS*going.Seconds()
}

// A misfitError says that what comes is no video that could be used.
type misfitError struct{ head []byte }

func (*misfitError) Error() string { return "no video" }

// write takes what came at a time. The error is a *misfitError or of bytestream.
func (t *tap) write(piece []byte, at time.Time) error {
	t.bytes += int64(len(piece))
	switch {
	case t.split != nil:
		t.split.Write(piece, t.arrival(at))
		return nil
	case t.demux != nil:
		return t.demux.Write(piece)
	}
	t.head = append(t.head, piece...)
	return t.recognize(at)
}

func (t *tap) arrival(at time.Time) bytestream.Stamp {
	ticks := at.Sub(t.start).Nanoseconds() * 9 / 100_000
	return bytestream.Stamp{Show: ticks, Decode: ticks}
}

// maxHead is how much may come before it is known what it is.
const maxHead = 1 << 20

// recognize finds out what the program writes, and begins when that is known.
func (t *tap) recognize(at time.Time) error {
	if t.config.Format == MPEGTS {
		return t.openTS()
	}
	codec := t.config.Format.codec()
	if t.config.Format == Auto {
		switch form := bytestream.Recognize(t.head); form {
		case bytestream.Undecided:
			return nil
		case bytestream.MPEGTS:
			return t.openTS()
		case bytestream.AnnexB:
			if len(t.head) < t.tried+t.tried/4 { // not for every byte, from one who writes them one by one
				return nil
			}
			t.tried = len(t.head)
			codec = bytestream.CodecOf(t.head)
		default:
			return &misfitError{t.head}
		}
	}
	switch {
	case codec != "":
		t.openAnnexB(codec, at)
	case len(t.head) > maxHead:
		return &misfitError{t.head}
	}
	return nil
}

func (t *tap) openAnnexB(codec camera.Codec, at time.Time) {
	t.split = bytestream.NewSplitter(codec, func(p bytestream.Picture) {
		t.picture(codec, p, uint32(t.clock.next(p.Stamp.Show)))
	})
	t.split.Write(t.takeHead(), t.arrival(at))
}

func (t *tap) openTS() error {
	t.demux = bytestream.NewDemuxer(func(p bytestream.Picture) { t.picture(t.demux.Codec(), p, uint32(p.Stamp.Show)) })
	return t.demux.Write(t.takeHead())
}

func (t *tap) takeHead() []byte {
	head := t.head
	t.head = nil
	return head
}

// picture delivers a picture, and begins the session with the first.
func (t *tap) picture(codec camera.Codec, p bytestream.Picture, timestamp uint32) {
	if !t.begun() {
		form := "a byte stream of "
		if t.demux != nil {
			form = "MPEG-TS with "
		}
		t.found("writes", form+string(codec))
		t.packer = packets.New(t.to, codec)
		t.to.Begin(camera.Format{Codec: codec})
	}
	t.pictures++
	t.packer.Stream(p.Data, timestamp, p.Lost)
}

// pause says that the program wrote nothing for a while.
func (t *tap) pause() {
	late := false
	switch {
	case t.split != nil:
		t.split.Hint(bytestream.Paused)
		late = t.split.Late()
	case t.demux != nil:
		t.demux.Pause()
		late = t.demux.Late()
	}
	if late && !t.late {
		t.late = true
		t.found("latency", "one picture: the program writes the end of each only with the next, so let it flush its output (rpicam-vid: --flush)")
	}
}

// flush says that nothing follows.
func (t *tap) flush() {
	switch {
	case t.split != nil:
		t.split.Flush()
	case t.demux != nil:
		t.demux.Flush()
	}
}
