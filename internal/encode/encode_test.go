package encode_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child/childtest"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// A rig is a Transcoder at work.
type rig struct {
	*encode.Transcoder
	*screen
	logs     *observer.ObservedLogs
	registry *prometheus.Registry
	stop     func() error // ends Run and returns its error; may be called again
	result   <-chan error // of Run, when it ends by itself
}

// ffmpegs are the encoders of ffmpeg, best first.
var ffmpegs = []string{"h264_v4l2m2m", "h264_vaapi", "h264_nvenc", "h264_qsv", "libx264"}

func unscrubbed(text string) string { return text }

// thisMachine is probed once for all tests that do not care.
var thisMachine = sync.OnceValue(func() *encode.Encoders { return encode.NewEncoders(ffmpeg.New("ffmpeg", unscrubbed)) })

// start runs a Transcoder until the test ends.
func start(t testing.TB, o encode.Options) *rig {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	r := &rig{screen: newScreen(t), logs: logs, registry: prometheus.NewRegistry()}
	if o.Encoders == nil {
		o.Encoders = thisMachine()
	}
	if o.Patience == 0 {
		o.Patience = time.Minute // the machine of a test may be slow
	}
	o.Log, o.Metrics = zap.New(core), encode.NewVectors(r.registry).Camera("yard")
	r.Transcoder = encode.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done, result := make(chan struct{}), make(chan error, 1)
	var err error
	go func() {
		err = r.Transcoder.Run(ctx, r.screen)
		r.screen.end()
		result <- err
		close(done)
	}()
	r.result = result
	r.stop = func() error { cancel(); <-done; return err }
	t.Cleanup(func() {
		_ = r.stop()
		if left := childtest.Mine(t); len(left) > 0 {
			t.Errorf("children that outlived Run: %v", left)
		}
		if t.Failed() {
			for _, entry := range logs.All() {
				t.Log(entry.Message, entry.ContextMap())
			}
		}
	})
	return r
}

func (r *rig) write(shots []shot) {
	for _, s := range shots {
		r.Write(s.Picture)
	}
}

// play writes raw pictures as fast as they are encoded: what comes faster is dropped.
func (r *rig) play(codec camera.Codec, shots []shot) {
	if !codec.Raw() {
		r.write(shots)
		return
	}
	for i := range shots {
		r.write(shots[i : i+1])
		r.wait(i - 4)
	}
}

// metric returns the sum of a metric's series.
func (r *rig) metric(t testing.TB, name string) (sum float64) {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "overshoot_agent_encode_"+name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// Whatever comes in: each picture comes out once, in the order in which it is shown, with the timestamp the camera gave it, as H.264 that
// every receiver can decode.
func TestPicturesKeepOrderAndTime(t *testing.T) {
	for name, c := range map[string]clip{
		"H.265": hevc("320x240", 80),
		"H.265 with B-frames": {
			codec: camera.H265, size: "320x240", length: 80, format: "hevc",
			args: "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:bframes=3:b-adapt=0:repeat-headers=1",
		},
		"H.264 with B-frames": avc("-bf 3 -b_strategy 0"),
		"H.264 4:2:2 10 bits": avc("-bf 0 -pix_fmt yuv422p10le"),
		"MJPEG":               jpegs("320x240", 80),
		"YUYV":                raws(camera.YUYV, "320x240", 80),
		"NV12":                raws(camera.NV12, "320x240", 80),
		"I420":                raws(camera.I420, "320x240", 80),
	} {
		t.Run(name, func(t *testing.T) {
			const enough = 70 // the last may wait in the decoder for what comes next
			shots := c.make(t, 1<<32-90_000)
			r := start(t, encode.Options{Codec: c.codec, MaxHeight: 120})
			r.Begin(c.announced(t))
			r.play(c.codec, shots)
			seen := r.wait(enough)[:enough]

			slices.SortFunc(shots, func(a, b shot) int { return int(int32(a.Timestamp - b.Timestamp)) })
			light := decode(t, seen)
			if len(light) != enough {
				t.Fatalf("of %d pictures %d could be decoded", enough, len(light))
			}
			for i, p := range seen {
				if p.timestamp != shots[i].Timestamp {
					t.Fatalf("picture %d: timestamp %d, want %d", i, p.timestamp, shots[i].Timestamp)
				}
				if got, want := int(light[i]), shots[i].brightness; got < want-8 || got > want+8 {
					t.Fatalf("picture %d: brightness %d, want %d", i, got, want)
				}
			}
			checkForm(t, seen)
		})
	}
}

// checkForm looks at what receivers need besides.
func checkForm(t *testing.T, seen []pictureSeen) {
	t.Helper()
	f := seen[0].format(t)
	if f.Width != 160 || f.Height != 120 {
		t.Errorf("the pictures are %dx%d, want 160x120", f.Width, f.Height)
	}
	if err := f.Passable(); err != nil || f.Order() != h264.OrderKept || f.Profile != 66 {
		t.Errorf("it is %s, order %v, passable: %v", f, f.Order(), err)
	}
	var keys []int
	for i, p := range seen {
		for _, unit := range p.units {
			if kind := unit[0] & 0x1f; kind == 9 || kind == 12 {
				t.Errorf("picture %d has a unit of type %d, which a room does not need", i, kind)
			}
		}
		if p.isKey() {
			keys = append(keys, i)
			if !p.content().Has(h264.SPS) || !p.content().Has(h264.PPS) {
				t.Errorf("key frame %d comes without parameter sets", i)
			}
		}
	}
	if want := []int{0, 50}; !slices.Equal(slices.DeleteFunc(keys, func(n int) bool { return n%50 != 0 }), want) {
		t.Errorf("key frames do not come every two seconds")
	}
}

func TestPicturesAreNeverScaledUp(t *testing.T) {
	c := hevc("322x178", 10)
	r := start(t, encode.Options{Codec: c.codec, MaxHeight: 720})
	r.write(c.make(t, 0))
	if f := r.wait(1)[0].format(t); f.Width != 322 || f.Height != 178 {
		t.Errorf("the picture is %dx%d, want 322x178", f.Width, f.Height)
	}
}

// Some cameras announce their parameter sets in the SDP only, and a child that starts later has not seen those in the stream.
func TestParameterSetsApartFromThePictures(t *testing.T) {
	c := hevc("320x240", 10)
	shots := c.make(t, 0)
	sets := slices.Clone(shots[0].Units[:3])
	shots[0].Units = shots[0].Units[3:]
	r := start(t, encode.Options{Codec: c.codec})
	r.Begin(camera.Format{Codec: c.codec, Sets: sets})
	r.write(shots)
	r.wait(10)
}

// What waits when a session ends is not shown in the next, whose clock may begin anywhere.
func TestANewSession(t *testing.T) {
	c := hevc("320x240", 10)
	shots := c.make(t, 1<<31)
	r := start(t, encode.Options{Codec: c.codec})
	r.write(shots)
	r.wait(10)
	_ = r.stop()
	r.write(shots) // nobody takes them
	r.Begin(camera.Format{Codec: c.codec})
	next := c.make(t, 7)
	r.write(next[5:]) // no key frame
	r.write(next)

	ctx, cancel := context.WithCancel(t.Context())
	screen, done := newScreen(t), make(chan error, 1)
	go func() { done <- r.Run(ctx, screen) }()
	for i, p := range screen.wait(10) {
		if p.timestamp != next[i].Timestamp {
			t.Errorf("picture %d: timestamp %d, want %d", i, p.timestamp, next[i].Timestamp)
		}
	}
	cancel()
	<-done
}

func TestTheEncoderInUseIsTold(t *testing.T) {
	told := make(chan string, 9)
	r := start(t, encode.Options{Codec: camera.H265, Using: func(encoder string) { told <- encoder }})
	if got := <-told; got != "libx264" {
		t.Errorf("told %q", got)
	}
	_ = r.stop()
	if got := <-told; got != "" {
		t.Errorf("after the end told %q", got)
	}
}

func TestAnotherSizeOfPicture(t *testing.T) {
	small, large := hevc("160x120", 30), hevc("320x240", 30)
	for name, clips := range map[string][2]clip{
		"H.265": {small, large},
		"MJPEG": {jpegs("160x120", 30), jpegs("320x240", 30)},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, encode.Options{Codec: clips[0].codec})
			r.write(clips[0].make(t, 0))
			r.write(clips[1].make(t, 30*3600))
			seen := r.wait(60)
			for i, want := range map[int]int{0: 120, 30: 240} {
				if got := seen[i].format(t).Height; got != want {
					t.Errorf("picture %d has %d lines, want %d", i, got, want)
				}
			}
			if got := r.metric(t, "restarts_total"); got != 0 {
				t.Errorf("%v restarts: a camera that changes its size is no failure", got)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	c := hevc("320x240", 30)
	r := start(t, encode.Options{Codec: c.codec})
	r.write(c.make(t, 0))
	r.wait(30)
	if in, out := r.metric(t, "frames_in_total"), r.metric(t, "frames_out_total"); in != 30 || out != 30 {
		t.Errorf("%v in and %v out, want 30 and 30", in, out)
	}
	if got := r.metric(t, "encoder"); got != 1 {
		t.Errorf("%v encoders in use", got)
	}
	_ = r.stop()
	if got := r.metric(t, "cpu_seconds_total"); got <= 0 || got > 60 {
		t.Errorf("%v s of processor time", got)
	}
	if got := r.metric(t, "encoder"); got != 0 {
		t.Errorf("%v encoders in use after the end", got)
	}
	if problems, err := testutil.GatherAndLint(r.registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestVerdictsOfThisMachine(t *testing.T) {
	verdicts, err := encode.NewEncoders(ffmpeg.New("ffmpeg", unscrubbed)).Verdicts(t.Context(), encode.Job{Codec: camera.MJPEG})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range verdicts {
		names = append(names, v.Encoder)
		t.Logf("%s: %v", v.Encoder, v.Err)
	}
	if !slices.Equal(names, ffmpegs) {
		t.Errorf("got %v, want %v", names, ffmpegs)
	}
	if last := verdicts[len(verdicts)-1]; last.Err != nil {
		t.Errorf("libx264 should work everywhere: %v", last.Err)
	}
}

func TestWithoutFFmpeg(t *testing.T) {
	r := start(t, encode.Options{Codec: camera.H265, Encoders: encode.NewEncoders(ffmpeg.New("no-such-program", unscrubbed))})
	fault, ok := errors.AsType[*camera.Fault](<-r.result)
	if !ok || fault.Reason != camera.WrongCodec {
		t.Fatalf("got %v", fault)
	}
	const want = `the video must be transcoded, and no encoder works: h264_v4l2m2m, h264_vaapi, h264_nvenc, h264_qsv, libx264: ` +
		`looking for no-such-program: "no-such-program": executable file not found in $PATH; install an ffmpeg with libx264 (apt install ffmpeg), ` +
		`or set the camera to H.264 without B-frames, or use the address of its second stream, which often is`
	if fault.Error() != want {
		t.Errorf("got  %s\nwant %s", fault, want)
	}
}
