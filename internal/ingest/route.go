package ingest

import (
	"fmt"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"go.uber.org/zap"
)

// A path is what becomes of the camera's video; it labels the metric.
type path string

// The closed list of paths, and none: it is not known yet which.
const (
	none       path = ""
	passedOn   path = "passed_on"
	transcoded path = "transcoded"
	refused    path = "refused"
)

func paths() []path { return []path{passedOn, transcoded, refused} }

// words are for people.
func (p path) words() string { return strings.ReplaceAll(string(p), "_", " ") }

// choose returns the path for what is known of the video now.
func (i *Intake) choose() path {
	switch {
	case i.options.Transcode == config.TranscodeAlways:
		return transcoded
	case i.obstacle() == nil && i.codec == camera.H264 && i.judge.onTrial():
		return none
	case i.obstacle() == nil:
		return passedOn
	case i.options.Transcode == config.TranscodeNever:
		return refused
	}
	return transcoded
}

// obstacle returns why the video cannot be passed on, or nil.
func (i *Intake) obstacle() *camera.Fault {
	if i.codec == camera.H264 {
		return i.judge.obstacle()
	}
	return wrongCodec(i.codec)
}

// keyStart tells whether a key frame may begin with a part.
func keyStart(c h264.Content) bool {
	return c.Has(h264.SPS|h264.PPS) || c.Has(h264.IDR) && c.Has(h264.FirstSlice)
}

// examine looks at what a part says of the video.
func (i *Intake) examine(p part) {
	if i.codec == camera.H264 {
		if p.content.Has(h264.SPS) {
			h264.EachUnit(p.payload, i.onUnit)
		}
		if p.content.Has(h264.Slice|h264.IDR) && i.judge.see(p.content) {
			i.engage(i.choose()) // by the next key frame the encoder is awake
		}
	}
	if keyStart(p.content) {
		i.review()
	}
}

func (i *Intake) learn(unit []byte) {
	if unit[0]&0x1f == h264.TypeSPS && i.judge.learn(unit) {
		i.framer.Interlaced = i.judge.format.Interlaced
		i.reported = false
	}
}

// review lets the video take the right path from here on: a key frame begins, and nothing after it refers to what was before.
func (i *Intake) review() {
	want := i.choose()
	if want != i.path {
		i.follow(want)
	}
	i.engage(want)
	if !i.reported && want != none {
		i.reported = true
		i.report.video(i.describe(), want)
	}
}

// follow makes a path the way of the next part. What was on its way on another is lost.
func (i *Intake) follow(want path) {
	if i.engaged != want {
		i.disengage()
	}
	i.path, i.reported = want, false
	i.passage.forget()
	i.assembly.abandon()
	if want == passedOn {
		i.options.Hub.Begin(i.parameters())
	} else {
		i.options.Hub.Begin(camera.Parameters{}) // the camera's own sets are not those of what comes out
	}
	i.seat()
}

// engage begins the work of a path. It is not done before there is something to work on: the name that the camera gave may be wrong.
func (i *Intake) engage(want path) {
	if i.engaged == want {
		return
	}
	i.disengage()
	i.engaged = want
	switch want {
	case transcoded:
		i.works.transcode(camera.Format{Codec: i.codec, Sets: i.announced, Width: i.size.X, Height: i.size.Y})
	case refused:
		i.works.refuse(i.obstacle())
	}
	i.seat()
}

func (i *Intake) disengage() {
	if i.engaged != none {
		i.works.stop()
	}
	i.engaged = none
}

// seat chooses who takes the parts.
func (i *Intake) seat() {
	switch {
	case i.path == passedOn:
		i.taker = i.passage
	case i.path == transcoded && i.engaged == transcoded:
		i.taker = i.assembly
	default:
		i.taker = nothing{}
	}
}

// nothing is what becomes of video that is refused, and of what comes before the first key frame of video that is transcoded.
type nothing struct{}

func (nothing) begin()        {}
func (nothing) add(part) bool { return true }
func (nothing) abandon()      {}

// describe says what the camera sends.
func (i *Intake) describe() string {
	switch {
	case i.codec == camera.H264 && i.judge.known:
		return string(i.codec) + " " + i.judge.format.String()
	case i.codec.Raw():
		return fmt.Sprintf("%s %dx%d", i.codec, i.size.X, i.size.Y)
	}
	return string(i.codec)
}

// muchSniffing is for how many packets the codec is looked for: some seconds. If it is not certain by then it never will be.
const muchSniffing = 1000

// sniff looks whether the codec is the one that the camera named.
func (i *Intake) sniff(payload []byte) {
	i.sniffer.Add(payload)
	i.sniffed++
	codec, certain := i.sniffer.Codec()
	if certain || i.sniffed == muchSniffing {
		i.sniffer = nil
	}
	found := camera.H264
	if codec == h264.H265 {
		found = camera.H265
	}
	if certain && found != i.codec {
		i.options.Log.Warn("the camera sends another codec than it says", zap.String("says", string(i.codec)), zap.String("sends", string(found)))
		i.announced = i.announced[:0]
		i.start(found)
	}
}
