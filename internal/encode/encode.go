// Package encode makes H.264 of video that the room cannot show: raw pictures, MJPEG, H.265, and H.264 with B-frames, 4:2:2 or 10 bits.
//
// It has the contract of encoders (Kind, Encoder) and the loop that keeps one at work for each camera: pictures wait in a bounded queue, an
// encoder that fails, panics or hangs is replaced, and what all that costs stands in the metrics. How H.264 is made is the business of the kinds,
// each in a folder below: children that a bad codec cannot leave, and encoders in this process, which make a key frame when one is asked for.
// Which encoder works on this machine is found out by trying, see Encoders.
//
// The camera's own RTP timestamps survive to the tick. A key frame comes every two seconds.
package encode

import (
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"

	"go.uber.org/zap"
)

// A Receiver takes what comes out, as camera.Receiver does.
type Receiver interface{ Packet(camera.Packet) }

// A Picture is one picture as the camera sent it (an access unit).
type Picture struct {
	// Units are its NAL units without start codes, in the order they came. Of MJPEG it is one whole JPEG file, of raw pictures all the samples.
	Units [][]byte
	// Timestamp says when it is shown, 90 kHz, any origin, may wrap: that of its RTP packets.
	Timestamp uint32
}

// Options say what to make of what.
type Options struct {
	Codec     camera.Codec  // of the pictures
	MaxHeight int           // pixels; higher pictures are scaled down, lower ones never up; 0: as they come
	Bitrate   int           // the most it may use, in bits/s; 0: what suits the size
	Patience  time.Duration // an encoder that takes pictures and gives none for so long hangs; 0: 4 s, less than a camera's stall_after

	// Using is told which encoder is in use, and "" when none is any more; on the goroutine of Run. It must not block; nil: nobody cares.
	Using func(encoder string)

	Encoders *Encoders // shared by all cameras
	Log      *zap.Logger
	Metrics  *Metrics
}

// A Transcoder transcodes one camera, over all its sessions. Run does the work; Begin and Write may be called while it runs, from one other
// goroutine, and KeyFrame from any.
type Transcoder struct {
	options Options
	intake  intake
	queue   *queue
	late    atomic.Int64   // pictures dropped because the encoder is too slow, not yet told
	wanted  atomic.Bool    // a key frame, as soon as may be
	prompt  atomic.Bool    // the encoder in use makes one when it is asked
	strikes map[string]int // by encoder: how often it failed us in a row; belongs to Run
}

// New returns a Transcoder. It starts nothing.
func New(o Options) *Transcoder {
	if o.Patience == 0 {
		o.Patience = 4 * time.Second
	}
	o.Metrics.know(o.Encoders.names())
	return &Transcoder{
		options: o,
		intake:  intake{codec: o.Codec},
		queue:   newQueue(o.Codec),
		strikes: make(map[string]int),
	}
}

// Begin starts a new session of the camera: what still waits of the one before is dropped, and the next picture is taken from a key frame
// on. f is what the camera announced: its parameter sets, without start codes, and the size of raw pictures; those of another size are left out.
func (t *Transcoder) Begin(f camera.Format) {
	t.options.Metrics.dropped.Add(float64(t.queue.clear()))
	t.intake.begin(f)
}

// KeyFrame asks for a key frame, and tells whether the next picture will be one. It is false where the encoder in use keeps its own rule of one
// in two seconds, or none is at work.
func (t *Transcoder) KeyFrame() bool {
	if !t.prompt.Load() {
		return false
	}
	t.wanted.Store(true)
	return true
}

// Write takes the next picture of the camera. It copies the picture and never blocks: when the encoder cannot keep up, pictures up to the
// next key frame are dropped and counted. Call it from one goroutine, with whole pictures only: what is decoded from a part of one looks
// whole to everyone after.
func (t *Transcoder) Write(p Picture) {
	f := t.queue.fresh()
	if !t.intake.fill(f, p) {
		t.queue.recycle(f)
		if t.options.Codec.Raw() { // a source that is wrong about its own pictures is to be seen somewhere
			t.options.Metrics.in.Inc()
			t.options.Metrics.dropped.Inc()
		}
		return
	}
	t.options.Metrics.in.Inc()
	dropped, slow := t.queue.put(f)
	t.options.Metrics.dropped.Add(float64(dropped))
	if slow {
		t.late.Add(int64(dropped))
	}
}
