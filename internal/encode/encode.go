// Package encode makes H.264 of video that the room cannot show: H.265, MJPEG, and H.264 with B-frames, 4:2:2 or 10 bits.
//
// The work is done by ffmpeg in a child process per camera, so that a codec that crashes, leaks or hangs costs one camera a moment.
// Pictures go to its standard input in IVF, which carries any codec, the length of each picture and its timestamp; the result comes from
// its standard output as MPEG-TS, which keeps the timestamps. The camera's own RTP timestamps so survive to the tick, and the order of
// pictures is ffmpeg's business. Which encoder it uses is found out by trying, see Encoders.
//
// A key frame comes every two seconds and whenever RequestKey asks. ffmpeg takes no orders while it runs, but its rule for key frames may
// look at a picture's timestamp: those we give it count thirds of a tick of the camera's clock, and the third is the order.
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
	Codec      camera.Codec // of the pictures
	Parameters [][]byte     // parameter sets that were announced apart from the pictures (VPS, SPS, PPS), without start codes; may be nil

	MaxHeight int           // pixels; higher pictures are scaled down, lower ones never up; 0: as they come
	Bitrate   int           // the most it may use, in bits/s; 0: what suits MaxHeight
	Patience  time.Duration // an encoder that takes pictures and gives none for so long hangs; 0: 4 s, less than a camera's stall_after

	Encoders *Encoders // shared by all cameras
	Log      *zap.Logger
	Metrics  *Metrics
}

// A Transcoder transcodes one camera. Run does the work; Write and RequestKey may be called while it runs, from other goroutines.
type Transcoder struct {
	options Options
	intake  intake
	queue   *queue
	wanted  atomic.Bool    // a key frame was asked for
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
		intake:  intake{codec: o.Codec, sets: o.Parameters},
		queue:   newQueue(o.Codec == camera.MJPEG),
		strikes: make(map[string]int),
	}
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

// RequestKey asks that the next picture become a key frame. It does not block. Where the hub replays the current group of pictures nobody
// needs to ask: a group lasts two seconds.
func (t *Transcoder) RequestKey() { t.wanted.Store(true) }
