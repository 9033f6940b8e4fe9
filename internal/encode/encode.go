// Package encode makes H.264 of video that the room cannot show: H.265, MJPEG, and H.264 with B-frames, 4:2:2 or 10 bits.
//
// The work is done by ffmpeg in a child process per camera, so that a codec that crashes, leaks or hangs costs one camera a moment.
// Pictures go to its standard input in IVF, which carries any codec, the length of each picture and its timestamp; the result comes from
// its standard output as MPEG-TS, which keeps the timestamps. The camera's own RTP timestamps so survive to the tick, and the order of
// pictures is ffmpeg's business. Which encoder it uses is found out by trying, see Encoders.
//
// A key frame comes every two seconds. Nobody can ask for one: the hub sends the current group of pictures again to whoever needs it.
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
	// Units are its NAL units without start codes, in the order they came. For MJPEG it is one whole JPEG file.
	Units [][]byte
	// Timestamp says when it is shown, 90 kHz, any origin, may wrap: that of its RTP packets.
	Timestamp uint32
}

// Options say what to make of what.
type Options struct {
	Codec     camera.Codec  // of the pictures
	MaxHeight int           // pixels; higher pictures are scaled down, lower ones never up; 0: as they come
	Bitrate   int           // the most it may use, in bits/s; 0: what suits MaxHeight
	Patience  time.Duration // an encoder that takes pictures and gives none for so long hangs; 0: 4 s, less than a camera's stall_after

	// Using is told which encoder is in use, and "" when none is any more; on the goroutine of Run. It must not block; nil: nobody cares.
	Using func(encoder string)

	Encoders *Encoders // shared by all cameras
	Log      *zap.Logger
	Metrics  *Metrics
}

// A Transcoder transcodes one camera, over all its sessions. Run does the work; Begin and Write may be called while it runs, from one other
// goroutine.
type Transcoder struct {
	options Options
	intake  intake
	queue   *queue
	late    atomic.Int64   // pictures dropped because the encoder is too slow, not yet told
	strikes map[string]int // by encoder: how often it failed us in a row; belongs to Run
}

// New returns a Transcoder. It starts nothing.
func New(o Options) *Transcoder {
	if o.Patience == 0 {
		o.Patience = 4 * time.Second
	}
	return &Transcoder{
		options: o,
		intake:  intake{codec: o.Codec},
		queue:   newQueue(o.Codec == camera.MJPEG),
		strikes: make(map[string]int),
	}
}

// Begin starts a new session of the camera: what still waits of the one before is dropped, and the next picture is taken from a key frame
// on. sets are parameter sets that were announced apart from the pictures (VPS, SPS, PPS), without start codes; may be nil.
func (t *Transcoder) Begin(sets [][]byte) {
	t.options.Metrics.dropped.Add(float64(t.queue.clear()))
	t.intake.begin(sets)
}

// Write takes the next picture of the camera. It copies the picture and never blocks: when the encoder cannot keep up, pictures up to the
// next key frame are dropped and counted. Call it from one goroutine, with whole pictures only: what is decoded from a part of one looks
// whole to everyone after.
func (t *Transcoder) Write(p Picture) {
	f := t.queue.fresh()
	if !t.intake.fill(f, p) {
		t.queue.recycle(f)
		return
	}
	t.options.Metrics.in.Inc()
	dropped, slow := t.queue.put(f)
	t.options.Metrics.dropped.Add(float64(dropped))
	if slow {
		t.late.Add(int64(dropped))
	}
}
