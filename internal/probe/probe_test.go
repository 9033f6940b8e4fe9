package probe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/probe"
)

func TestAGoodCamera(t *testing.T) {
	s := plain()
	s.report = camera.Report{Facts: []camera.Fact{
		{Name: camera.FactServer, Value: "Camera/1.0"}, {Name: camera.FactLogin, Value: "Digest MD5"}, {Name: camera.FactTransport, Value: "TCP"},
	}}
	e := &encoders{}
	r, took := lookWith(t, s, probe.Options{Encoders: e})
	if took < 4*time.Second || took > 4300*time.Millisecond {
		t.Errorf("it took %v, and the third key frame came after 4s", took)
	}
	v := r.Video
	if v.Codec != camera.H264 || v.Width != 1920 || v.Height != 1080 || v.Level != "42c028" || v.FPS != 25 || v.AnnouncedFPS != 30 || v.BFrames || v.Slices != 1 {
		t.Errorf("the video is %+v", v)
	}
	if k := v.KeyFrames; k.Interval != probe.Millis(2*time.Second) || k.Pictures != 50 || k.Largest != k.Interval || k.LargestOpen || k.LargestBytes != 10_029 {
		t.Errorf("the key frames are %+v", k)
	}
	if v.Jitter != (probe.Jitter{Pause: probe.Millis(interval)}) || v.Clock != (probe.Clock{Rate: 1}) || v.Markers != (probe.Markers{}) {
		t.Errorf("jitter %+v, clock %+v, markers %+v", v.Jitter, v.Clock, v.Markers)
	}
	if want := 8 * 25 * (1000*(v.Pictures-3) + 10_029*3) / v.Pictures; v.BitRate < want-50 || v.BitRate > want+50 {
		t.Errorf("the bit rate is %d, want %d", v.BitRate, want)
	}
	wantOutcome(t, r, probe.Pass)
	if len(r.Advice) > 0 || e.asked > 0 {
		t.Errorf("advice %q, and %d encoders were tried in vain", r.Advice, e.asked)
	}
	want, err := os.ReadFile("testdata/good.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, r); got != string(want) {
		t.Errorf("the report is\n%s\nwant\n%s", got, want)
	}
}

func TestItWatchesUntilItKnowsEnough(t *testing.T) {
	for _, c := range []struct {
		name   string
		gop    int
		length time.Duration
		want   time.Duration
	}{
		{"each picture is a key frame", 1, 0, 3 * time.Second},
		{"a key frame every second", 25, 0, 3 * time.Second},
		{"every four seconds", 100, 0, 8 * time.Second},
		{"every eight seconds", 200, 0, 10 * time.Second},
		{"every twenty seconds", 500, 0, 20 * time.Second},
		{"every minute", 1500, 0, 30 * time.Second},
		{"longer than needed, as told", 25, time.Minute, time.Minute},
		{"shorter", 200, time.Second, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plain()
			s.gop = c.gop
			if _, took := look(t, s, c.length); took < c.want || took > c.want+250*time.Millisecond {
				t.Errorf("it took %v, want %v", took, c.want)
			}
		})
	}
}

// What comes while the camera is being closed does not count.
func TestItStopsMeasuring(t *testing.T) {
	r, _ := look(t, clingy{plain()}, 0)
	if r.Video.Pictures > 102 || r.Video.Packets.Count > 108 {
		t.Errorf("the video is %+v", r.Video)
	}
}

// clingy is a camera that does not end when it should.
type clingy struct{ *scene }

func (c clingy) Run(ctx context.Context, r camera.Receiver) error {
	err := c.scene.Run(ctx, r)
	for n := range 100 {
		for _, p := range c.picture(n) {
			r.Packet(p)
		}
	}
	return err
}

func TestLongGroupsOfPictures(t *testing.T) {
	s := plain()
	s.gop = 250
	r, _ := look(t, s, 0)
	wantOutcome(t, r, probe.Pass)
	wantText(t, r, "every 10s (250 pictures)", "set the I-frame interval", "to 50, which is twice the frame rate", "Smart Codec")

	s.gop = 2500
	r, _ = look(t, s, 0)
	wantOutcome(t, r, probe.Pass)
	wantText(t, r, "no second one in 30s", "set the I-frame interval")
	if k := r.Video.KeyFrames; !k.LargestOpen {
		t.Errorf("the key frames are %+v", k)
	}
}

func TestFailures(t *testing.T) {
	fault := &camera.Fault{Reason: camera.Auth, Err: errors.New("the camera answered 401"), Advice: "check the password"}
	none := func(int, []camera.Packet) []camera.Packet { return nil }
	for _, c := range []struct {
		name   string
		change func(s *scene)
		length time.Duration
		want   probe.Outcome
		reason camera.Reason
		took   time.Duration
		words  []string
	}{
		{
			name: "refused", change: func(s *scene) { s.end = func(int) error { return fmt.Errorf("asking: %w", fault) } },
			want: probe.Unusable, reason: camera.Auth, words: []string{"cannot be used: asking: the camera answered 401\n", "* check the password\n"},
		},
		{
			name: "hangs up", change: func(s *scene) {
				s.end = func(n int) error {
					if n == 50 {
						return &camera.Fault{Reason: camera.Closed, Err: errors.New("EOF")}
					}
					return nil
				}
			},
			want: probe.Unusable, reason: camera.Closed, took: 2 * time.Second, words: []string{"H.264", "25 per second", "cannot be used: EOF"},
		},
		{
			name: "silent", change: func(s *scene) { s.change = none },
			want: probe.Unusable, reason: camera.Stalled, took: 10 * time.Second, words: []string{"no complete picture came for 10s"},
		},
		{
			name: "silent for a moment", change: func(s *scene) { s.change = none }, length: time.Second,
			want: probe.Unknown, took: time.Second, words: []string{"not known: no complete picture came within 1s"},
		},
		{
			name: "no key frame", change: func(s *scene) { s.change = withoutKeys },
			want: probe.Unusable, reason: camera.Stalled, took: 30 * time.Second, words: []string{"no key frame came within 30s", "set the I-frame interval"},
		},
		{
			name: "no key frame yet", change: func(s *scene) { s.change = withoutKeys }, length: 5 * time.Second,
			want: probe.Unknown, took: 5 * time.Second, words: []string{"not known: no key frame came within 5s"},
		},
		{
			name: "no parameter sets", change: func(s *scene) {
				s.format.Sets = nil
				s.change = func(_ int, p []camera.Packet) []camera.Packet { return p[len(p)-1:] }
			},
			want: probe.Unusable, reason: camera.Protocol, took: 4 * time.Second, words: []string{"parameter sets  none", "SPS and PPS"},
		},
		{
			name: "interleaved packets", change: func(s *scene) {
				s.change = func(_ int, p []camera.Packet) []camera.Packet {
					for i := range p {
						p[i].Payload = append([]byte{0x19, 0, 0}, p[i].Payload...)
					}
					return p
				}
			},
			want: probe.Unusable, reason: camera.Protocol, took: 10 * time.Second, words: []string{"interleaved", "beyond repair"},
		},
		{
			name: "panic", change: func(s *scene) { s.end = func(int) error { panic("a mistake") } },
			want: probe.Unusable, reason: camera.Protocol, words: []string{"a mistake"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plain()
			c.change(s)
			r, took := look(t, s, c.length)
			wantOutcome(t, r, c.want)
			if took < c.took || took > c.took+250*time.Millisecond {
				t.Errorf("it took %v, want %v", took, c.took)
			}
			if c.want == probe.Unusable && (r.Fault == nil || r.Fault.Reason != c.reason) {
				t.Errorf("the fault is %+v, want %s", r.Fault, c.reason)
			}
			for _, w := range c.words {
				if !strings.Contains(text(t, r), w) {
					t.Errorf("the report does not say %q:\n%s", w, text(t, r))
				}
			}
		})
	}
}

func withoutKeys(n int, p []camera.Packet) []camera.Packet { return packetsOf(n, unit(sliceP, 1000)) }

// Some cameras end each session after a while. The agent opens them again and can use them, and so says the probe.
func TestACameraThatWorkedAndHangsUpCanBeUsed(t *testing.T) {
	s := plain()
	s.end = func(n int) error {
		if n == 90 {
			return &camera.Fault{Reason: camera.Closed, Err: errors.New("EOF")}
		}
		return nil
	}
	r, _ := look(t, s, 0)
	wantOutcome(t, r, probe.Pass)
	wantText(t, r, "the camera ended the session after 3.6s")
}

// A source that ends without an error is one whose camera ended the stream.
func TestTheCameraEndsItsStream(t *testing.T) {
	r, _ := look(t, ending{}, 0)
	wantOutcome(t, r, probe.Unusable)
	wantText(t, r, "rtsp://ending ended its stream")
}

type ending struct{}

func (ending) String() string                             { return "rtsp://ending" }
func (ending) Run(context.Context, camera.Receiver) error { return nil }

func TestInterrupted(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		want  probe.Outcome
		words string
	}{
		{"while it watches", connecting + 2*time.Second, probe.Pass, "watched for 2s"},
		{"while it connects", time.Millisecond, probe.Unknown, "interrupted before the camera had answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.after)
				defer cancel()
				var s camera.Source = plain()
				if c.want == probe.Unknown {
					s = deaf{}
				}
				r := probe.Run(ctx, s, probe.Options{Encoders: &encoders{}})
				wantOutcome(t, r, c.want)
				wantText(t, r, c.words)
			})
		})
	}
}

// deaf is a camera that does not answer.
type deaf struct{}

func (deaf) String() string { return "rtsp://deaf" }
func (deaf) Run(ctx context.Context, _ camera.Receiver) error {
	<-ctx.Done()
	return &camera.Fault{Reason: camera.Unreachable, Err: ctx.Err()}
}

// What strangers write cannot do anything to a terminal.
func TestTextsFromTheCameraAreHarmless(t *testing.T) {
	s := plain()
	evil := "a\x1b]0;owned\x07\r\nb\u202ec\xff" + strings.Repeat("d", 1000)
	s.report = camera.Report{Facts: []camera.Fact{{Name: "ser\x1bver", Value: evil}}, Answer: "v=0\r\ns=\x1b[2J\r\n"}
	s.end = func(n int) error {
		if n == 5 {
			return &camera.Fault{Reason: camera.Protocol, Err: errors.New("it said " + evil), Advice: "do " + evil}
		}
		return nil
	}
	r, _ := look(t, s, 0)
	asJSON, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{text(t, r), string(asJSON)} {
		if strings.ContainsAny(printed, "\x1b\x07\r\u202e") || !utf8.ValidString(printed) || strings.Contains(printed, `\u001b`) {
			t.Errorf("something got through: %q", printed)
		}
		if strings.Count(printed, "d") > 2000 || !strings.Contains(printed, "owned") {
			t.Errorf("it is too long, or cut too short: %q", printed)
		}
	}
	if r.SDP != "v=0\ns= [2J" {
		t.Errorf("the description is %q", r.SDP)
	}
}

func TestJSON(t *testing.T) {
	s := plain()
	r, _ := look(t, s, 0)
	asJSON, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Camera  string
		Verdict struct{ Outcome string }
		Fault   any
		Advice  []string
		Video   struct {
			Codec     string
			FPS       float64
			KeyFrames struct {
				Interval float64 `json:"interval_ms"`
			} `json:"key_frames"`
		}
	}
	if err := json.Unmarshal(asJSON, &got); err != nil {
		t.Fatal(err)
	}
	if got.Camera != s.String() || got.Verdict.Outcome != "pass" || got.Fault != nil || got.Advice == nil || got.Video.Codec != "H.264" ||
		got.Video.FPS != 25 || got.Video.KeyFrames.Interval != 2000 {
		t.Errorf("got %+v from %s", got, asJSON)
	}
}

var _ probe.Encoders = (*encode.Encoders)(nil)
