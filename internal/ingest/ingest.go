// Package ingest makes of what a camera delivers the video that a room can show.
//
// H.264 that every receiver can decode is passed on as it came, packet by packet, on the goroutine of the source: put right where its
// wrapping breaks RFC 6184, cut to what a packet may carry, and marked where pictures end. Everything else is put together to whole pictures
// and transcoded, or refused, as the camera's settings say. What the camera really sends is found out from the packets.
//
//	packet ─ sniff ─ mend (H.264) or unwrap (H.265) ─ frame ─ judge ─ leave out what is damaged ─┬─ passage ─ hub
//	                                                                                              └─ assembly ─ transcoder ─ hub
package ingest

import (
	"context"
	"image"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
)

// A Hub takes H.264: payloads of at most camera.MaxPayload bytes, the last of each picture marked. Its methods are called by one goroutine
// at a time.
type Hub interface {
	// Begin says that what came before and what comes next share neither clock nor references.
	Begin(camera.Parameters)
	Packet(camera.Packet)
	// Interrupt says that the picture in hand is damaged, and that nothing comes before the next key frame.
	Interrupt()
}

// Options say what an Intake works with.
type Options struct {
	Hub        Hub
	Transcode  string        // config.TranscodeAuto, TranscodeNever or TranscodeAlways
	MaxHeight  int           // pixels of what is transcoded; 0: as it comes
	StallAfter time.Duration // of the camera's watchdog; an encoder that hangs is replaced sooner
	Encoders   *encode.Encoders
	Part       *status.Part // of camera.Kind; shows what comes and what is made of it
	Log        *zap.Logger
	Metrics    *Metrics
	Encoding   *encode.Metrics
}

// An Intake is the camera.Intake of one camera, over all its sessions. Begin and Packet belong to the goroutine of the source.
type Intake struct {
	options Options
	report  report
	works   *works

	// Of the session.
	codec     camera.Codec
	size      image.Point   // of raw pictures
	announced [][]byte      // parameter sets, as single units
	sniffer   *h264.Sniffer // nil once it is certain
	sniffed   int           // packets
	mender    h264.Mender
	refused   uint64 // payloads that the mender refused and the metric counts
	framer    h264.Framer
	judge     judge
	gap       gap
	packet    camera.Packet // in hand

	// Bound once: a method value allocates.
	onPayload func(payload []byte, last bool)
	onUnit    func(unit []byte)

	// Where pictures go.
	path     path
	engaged  path // whose work was begun; none before the first key frame
	reported bool // both are on the status page
	taker    taker
	passage  *passage
	assembly *assembly
	single   [1][]byte

	made     time.Time
	sliced   bool         // the picture in hand has a slice, and is to be transcoded
	pictured atomic.Int64 // when the newest picture came that is to be transcoded, in nanoseconds since then
	keyed    atomic.Int64 // the same of the newest that stands alone
}

// A taker does something with pictures that come in parts.
type taker interface {
	// begin says that what was added last was the end of its picture, unless that was told.
	begin()
	// add takes the next part of the picture in hand. It reports false when it could not keep it, and the picture is lost.
	add(part) bool
	// abandon says that the picture in hand will not be completed.
	abandon()
}

// A part of a picture.
type part struct {
	payload   []byte // borrowed
	timestamp uint32
	content   h264.Content
	place     h264.Place
}

// New returns the intake of a camera that has not begun.
func New(o Options) *Intake {
	i := &Intake{options: o, passage: newPassage(o.Hub), path: passedOn, made: time.Now()}
	i.report = report{part: o.Part, log: o.Log, metrics: o.Metrics}
	i.gap = gap{log: o.Log, metrics: o.Metrics}
	i.works = newWorks(o, i.report.encoder)
	i.assembly = &assembly{deliver: i.works.write}
	i.taker = i.passage
	i.judge.wary = o.Transcode == config.TranscodeNever
	i.onPayload, i.onUnit = i.unwrapped264, i.learn
	return i
}

// Run implements camera.Intake. The error is a *camera.Fault when the video is refused or no encoder can transcode it.
func (i *Intake) Run(ctx context.Context) error { return i.works.run(ctx) }

// KeyFrame asks for a key frame and reports whether one will come at once: our own encoders make them on request, cameras do not. Any
// goroutine may call it; it does not block, and never calls the hub.
func (i *Intake) KeyFrame() bool { return i.works.keyFrame() }

// PictureAge returns how long ago the last picture came that is to be transcoded, or the intake was made. Any goroutine may call it.
//
// What comes out of the intake does not tell whether such a camera works: the encoder may still be looked for, or wait for a key frame. One
// that hangs is the transcoder's business.
func (i *Intake) PictureAge() time.Duration {
	return time.Since(i.made) - time.Duration(i.pictured.Load())
}

// KeyAge returns how long ago the last picture came that stands alone, or the intake was made. Any goroutine may call it. An encoder that fails, or is
// looked for, makes no key frames for a while; where each picture of the camera is one, that is not the camera's fault.
func (i *Intake) KeyAge() time.Duration {
	return time.Since(i.made) - time.Duration(i.keyed.Load())
}

// Begin implements camera.Receiver.
func (i *Intake) Begin(f camera.Format) {
	i.announced = i.announced[:0]
	for _, set := range f.Sets {
		h264.EachAnnexB(set, func(unit []byte) {
			if isSet(f.Codec, unit) {
				i.announced = append(i.announced, unit)
			}
		})
	}
	i.size = image.Pt(f.Width, f.Height)
	i.judge.begin()
	i.start(f.Codec)
	i.sniffer, i.sniffed = nil, 0
	if !f.Codec.Single() {
		i.sniffer = &h264.Sniffer{}
	}
}

// start makes everything ready for pictures of a codec.
func (i *Intake) start(codec camera.Codec) {
	i.disengage()
	i.gap.begin()
	i.codec = codec
	i.mender, i.refused = h264.Mender{}, 0
	i.framer.Restart()
	i.assembly.codec = codec
	if codec == camera.H264 {
		i.judge.learn(i.parameters().SPS)
		i.framer.Interlaced = i.judge.format.Interlaced
	}
	i.follow(i.choose())
}

// isSet tells whether a unit is a parameter set.
func isSet(codec camera.Codec, unit []byte) bool {
	if codec == camera.H265 {
		kind, ok := kind265(unit)
		return ok && kind >= hevcVPS && kind <= hevcPPS
	}
	return h264.Look(unit).Has(h264.SPS | h264.PPS)
}

// parameters are the announced ones of H.264.
func (i *Intake) parameters() (p camera.Parameters) {
	if i.codec != camera.H264 {
		return p
	}
	for _, unit := range i.announced {
		switch unit[0] & 0x1f {
		case h264.TypeSPS:
			p.SPS = unit
		case h264.TypePPS:
			p.PPS = unit
		}
	}
	return p
}

// Packet implements camera.Receiver.
func (i *Intake) Packet(p camera.Packet) {
	if i.codec.Single() {
		i.image(p)
		return
	}
	if i.sniffer != nil {
		i.sniff(p.Payload)
	}
	if p.Lost > 0 {
		i.mender.Break()
		i.damage(lost)
	}
	i.packet = p
	if i.codec == camera.H265 {
		i.part(p.Payload, p.Marker, inspect265(p.Payload))
		return
	}
	i.mender.Mend(p.Payload, i.onPayload)
}

// unwrapped264 takes what the mender makes of a payload.
func (i *Intake) unwrapped264(payload []byte, last bool) {
	i.part(payload, last && i.packet.Marker, h264.Inspect(payload))
}

// part takes a payload of H.264 or H.265 that is in order.
func (i *Intake) part(payload []byte, marker bool, content h264.Content) {
	p := part{payload: payload, timestamp: i.packet.Timestamp, content: content}
	if content.Has(h264.Invalid) {
		i.options.Metrics.invalid.Inc()
		return
	}
	p.place = i.framer.Place(p.timestamp, marker, content)
	if p.place.Has(h264.Begins) {
		i.taker.begin()
		i.countRefused()
	}
	i.examine(p)
	withhold, broken := i.gap.withhold(p)
	if broken {
		i.taker.abandon()
	}
	i.noteEnd(p)
	if !withhold && !i.taker.add(p) {
		i.damage(tooLarge)
	}
}

// noteEnd notes pictures that are to be transcoded when they end, whether they can be decoded or not.
func (i *Intake) noteEnd(p part) {
	if i.path != transcoded {
		return
	}
	slice := p.content.Has(h264.IDR | h264.Slice)
	if i.sliced && p.place.Has(h264.Begins) || slice && p.place.Has(h264.Ends) {
		i.note()
	}
	i.sliced = slice && !p.place.Has(h264.Ends)
}

func (i *Intake) note() { i.pictured.Store(int64(time.Since(i.made))) }

// image takes a picture that stands alone.
func (i *Intake) image(p camera.Packet) {
	if i.codec.Raw() && len(p.Payload) != i.codec.Size(i.size.X, i.size.Y) {
		i.options.Metrics.invalid.Inc() // half a picture is none, also for the watchdog
		return
	}
	i.review()
	i.note()
	i.keyed.Store(i.pictured.Load())
	if i.engaged == transcoded {
		i.single[0] = p.Payload
		i.works.write(i.single[:], p.Timestamp)
	}
}

// damage says that the picture in hand misses something, and so does all that follows up to a key frame.
func (i *Intake) damage(why reason) {
	if i.gap.open(why) {
		i.taker.abandon()
	}
	i.framer.Restart()
}

// countRefused brings the metric up to date with what the mender refused.
func (i *Intake) countRefused() {
	c := i.mender.Counts()
	if n := c.Orphans + c.Interleaved + c.Invalid; n > i.refused {
		i.options.Metrics.invalid.Add(float64(n - i.refused))
		i.refused = n
	}
}
