package media

import (
	"bytes"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// queueLength is how many units may wait between network and decoder: some seconds, for a machine that is busy.
const queueLength = 150

// A decoder turns the units of one track into frames, in order. It runs one ffmpeg child at a time: a new one when the
// parameter sets change or the old one complains.
type decoder struct {
	ffmpeg string
	room   *Room
	queue  chan unit
	done   chan struct{}

	reader picture.Reader // used by one child's output at a time
	chain  chain
}

// startDecoder returns a decoder without a child; the first key frame starts one. close must be called.
func startDecoder(ffmpeg string, room *Room) *decoder {
	d := &decoder{ffmpeg: ffmpeg, room: room, queue: make(chan unit, queueLength), done: make(chan struct{})}
	go d.run()
	return d
}

// submit hands over a unit without blocking. It returns false when the decoder is too far behind; then the next unit must be a key frame.
func (d *decoder) submit(u unit) bool {
	select {
	case d.queue <- u:
		return true
	default:
		return false
	}
}

// close decodes what was submitted and returns when no frame can come any more. submit must not be called again.
func (d *decoder) close() {
	close(d.queue)
	<-d.done
}

// run feeds the child, and replaces it at a key frame that needs another one.
func (d *decoder) run() {
	defer close(d.done)
	var current *process
	var sps []byte
	for u := range d.queue {
		if u.key && (current == nil || current.broken() || !bytes.Equal(sps, u.sps)) {
			current.finish()
			current, sps = d.startProcess(u), u.sps
		}
		if current == nil || current.broken() {
			d.room.stats.add(func(s *Stats) { s.SkippedPictures++ })
			continue
		}
		current.feed(u)
	}
	current.finish()
}
