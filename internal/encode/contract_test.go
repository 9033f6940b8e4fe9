package encode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/openh264"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

func TestTheOrderDependsOnWhatComesIn(t *testing.T) {
	encoders := encode.NewEncoders(
		&studio{name: "x264", class: encode.SoftwareChild}, &studio{name: "cisco", class: encode.SoftwareInside},
		&studio{name: "vaapi", class: encode.HardwareChild}, &studio{name: "nvenc", class: encode.HardwareChild},
		&studio{name: "m2m", class: encode.HardwareInside, takes: func(job encode.Job) error {
			if !job.Codec.Raw() {
				return errors.New("it takes raw pictures only")
			}
			return nil
		}})
	for codec, want := range map[camera.Codec]string{
		camera.YUYV: "m2m vaapi nvenc cisco x264", camera.NV12: "m2m vaapi nvenc cisco x264", camera.I420: "m2m vaapi nvenc cisco x264",
		camera.MJPEG: "vaapi nvenc x264 cisco", camera.H265: "vaapi nvenc x264 cisco", camera.H264: "vaapi nvenc x264 cisco",
	} {
		verdicts, err := encoders.Verdicts(t.Context(), encode.Job{Codec: codec, Width: 64, Height: 48})
		if err != nil {
			t.Fatal(err)
		}
		var works []string
		for _, v := range verdicts {
			if v.Err == nil {
				works = append(works, v.Encoder)
			} else if v.Encoder != "m2m" || v.Err.Error() != "it takes raw pictures only" {
				t.Errorf("%s: %v", v.Encoder, v.Err)
			}
		}
		if got := strings.Join(works, " "); got != want {
			t.Errorf("%s: got %s, want %s", codec, got, want)
		}
	}
}

// What is in process takes pictures as they are; children convert them.
func TestTrialsAreMadeOnceForWhatMatters(t *testing.T) {
	inside, child := &studio{name: "m2m", class: encode.HardwareInside}, &studio{name: "vaapi", class: encode.HardwareChild}
	encoders := encode.NewEncoders(inside, child)
	for _, codec := range []camera.Codec{camera.YUYV, camera.NV12, camera.YUYV, camera.NV12} {
		if _, err := encoders.Verdicts(t.Context(), encode.Job{Codec: codec, Width: 64, Height: 48}); err != nil {
			t.Fatal(err)
		}
	}
	if inside.trials.Load() != 2 || child.trials.Load() != 1 {
		t.Errorf("%d and %d trials, want 2 and 1", inside.trials.Load(), child.trials.Load())
	}
}

func TestOpenh264SaysWhyNot(t *testing.T) {
	encoder := openh264.New().Encoders()[0]
	if err := encoder.Takes(encode.Job{Codec: camera.H265}); err == nil {
		t.Error("it takes H.265")
	}
	if err := encoder.Takes(encode.Job{Codec: camera.YUYV, Width: 1920, Height: 1080, MaxHeight: 720}); err == nil {
		t.Error("it takes pictures that have to be made smaller")
	}
}

// In process nobody can end what hangs, but everybody can go on without it.
func TestAnEncoderThatHangsInADriver(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	sick := &studio{name: "m2m", class: encode.HardwareInside, spoil: func(_ context.Context, n int) {
		if n == 3 {
			<-release
		}
	}}
	encoders := encode.NewEncoders(sick, &studio{name: "spare", class: encode.SoftwareInside})
	r := start(t, encode.Options{Codec: camera.I420, Encoders: encoders, Patience: time.Second})
	r.feed(t)
	r.wait(20)
	if got, want := r.used(), []string{"m2m", "spare"}; !slices.Equal(got, want) {
		t.Errorf("used %v, want %v: it cannot be used again before it has returned", got, want)
	}
	failed := r.logs.FilterMessage("encoder failed, will start again").All()
	if len(failed) != 1 || failed[0].ContextMap()["error"] != "it hangs: it took pictures and gave none for 1s" {
		t.Errorf("got %v", failed)
	}
	last := r.logs.FilterMessage("transcoding").All()[1].ContextMap()["passed_over"]
	if want := "[m2m: a driver has not come back from the last time]"; fmt.Sprint(last) != want {
		t.Errorf("passed over %v, want %s", last, want)
	}
	if sick.workers.Load() != 1 {
		t.Fatal("the test is no test: it returned")
	}
	_ = r.stop() // does not wait for it either

	release <- struct{}{}
	eventually(t, "its return", func() bool { return sick.workers.Load() == 0 })
	verdicts, err := encoders.Verdicts(t.Context(), encode.Job{Codec: camera.I420})
	if err != nil || verdicts[0].Encoder != "m2m" || verdicts[0].Err != nil {
		t.Errorf("when it has returned: %v, %v", verdicts, err)
	}
}

func TestAnEncoderThatHangsInItsTrial(t *testing.T) {
	if _, err := onePicture(); err != nil { // made outside of virtual time
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		encoders := encode.NewEncoders(hung{release}, &studio{name: "spare", class: encode.SoftwareInside})
		verdicts, err := encoders.Verdicts(t.Context(), encode.Job{Codec: camera.I420})
		if err != nil || fmt.Sprint(verdicts[0].Err) != "it did not finish within 10s" || verdicts[1].Err != nil {
			t.Errorf("got %v, %v", verdicts, err)
		}
	})
}

// A hung encoder does not even come to its first picture.
type hung struct{ release chan struct{} }

func (hung) Name() string                 { return "hung" }
func (hung) Class() encode.Class          { return encode.HardwareInside }
func (hung) Takes(encode.Job) error       { return nil }
func (h hung) Encoders() []encode.Encoder { return []encode.Encoder{h} }
func (h hung) Work(context.Context, encode.Job, encode.Desk) error {
	<-h.release
	return nil
}

func TestAnEncoderThatPanics(t *testing.T) {
	sick := &studio{name: "m2m", class: encode.HardwareInside, spoil: func(_ context.Context, n int) {
		if n == 3 {
			panic("no more buffers")
		}
	}}
	r := start(t, encode.Options{Codec: camera.I420, Encoders: encode.NewEncoders(sick, &studio{name: "spare", class: encode.SoftwareInside})})
	r.feed(t)
	r.wait(20)
	if got, want := r.used(), []string{"m2m", "m2m", "spare"}; !slices.Equal(got, want) {
		t.Errorf("used %v, want %v", got, want)
	}
	for _, entry := range r.logs.FilterMessage("encoder failed, will start again").All() {
		if got := entry.ContextMap()["error"]; got != "it panicked: no more buffers" {
			t.Errorf("got %v", got)
		}
	}
}

// A mistake behind the encoder is not the encoder's.
func TestAReceiverThatPanics(t *testing.T) {
	for name, encoders := range map[string]*encode.Encoders{
		"in process": encode.NewEncoders(&studio{name: "m2m", class: encode.HardwareInside}), "child": thisMachine(),
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, encode.Options{Codec: camera.I420, Encoders: encoders})
			r.listen(func(camera.Packet) { panic("the roof came down") })
			r.feed(t)
			if err := <-r.result; !guard.Panicked(err) || !strings.Contains(err.Error(), "the roof came down") {
				t.Errorf("got %v", err)
			}
			if got := r.metric(t, "restarts_total"); got != 0 {
				t.Errorf("%v encoders failed", got)
			}
		})
	}
}

func TestEncodersInProcessAreAskedForKeyFrames(t *testing.T) {
	s := &studio{name: "m2m", class: encode.HardwareInside}
	r := start(t, encode.Options{Codec: camera.I420, Encoders: encode.NewEncoders(s)})
	r.Begin(camera.Format{Codec: camera.I420, Width: 64, Height: 48})
	for n := range 130 { // 20 a second
		r.Write(encode.Picture{Units: [][]byte{make([]byte, 64*48*3/2)}, Timestamp: uint32(n * 4500)})
		r.wait(n + 1)
	}
	var forced []int
	for n, key := range s.asked {
		if key {
			forced = append(forced, n)
		}
	}
	if want := []int{0, 40, 80, 120}; !slices.Equal(forced, want) {
		t.Errorf("asked for key frames at %v, want %v", forced, want)
	}
}

// Of raw pictures only the newest count, also while an encoder starts.
func TestRawPicturesDoNotPileUp(t *testing.T) {
	gate := make(chan struct{})
	s := &studio{name: "slow", class: encode.SoftwareInside, spoil: func(_ context.Context, n int) {
		if n == 0 {
			<-gate
		}
	}}
	r := start(t, encode.Options{Codec: camera.I420, Encoders: encode.NewEncoders(s)})
	r.feed(t)
	eventually(t, "a second of pictures", func() bool { return r.metric(t, "frames_in_total") >= 50 })
	if waiting := r.metric(t, "frames_in_total") - r.metric(t, "frames_dropped_total"); waiting > 13 {
		t.Errorf("%v pictures wait, want no more than those of 200 ms", waiting)
	}
	close(gate)
	r.wait(5)
}

func TestTheAdviceFitsTheSource(t *testing.T) {
	s := &studio{name: "slow", class: encode.SoftwareInside, spoil: func(context.Context, int) { time.Sleep(300 * time.Millisecond) }}
	r := start(t, encode.Options{Codec: camera.I420, Encoders: encode.NewEncoders(s)})
	r.feed(t)
	said := r.logs.FilterMessage("the encoder cannot keep up, pictures are dropped")
	eventually(t, "a warning", func() bool {
		said = r.logs.FilterMessage("the encoder cannot keep up, pictures are dropped")
		return said.Len() > 0
	})
	if got := fmt.Sprint(said.All()[0].ContextMap()["advice"]); !strings.Contains(got, "source: fps, width, height") {
		t.Errorf("the advice is %q", got)
	}
}

func TestFramesCarryAContainersHeader(t *testing.T) {
	f := encode.NewFrame([]byte("picture"), 1<<32+5, false)
	if got := string(f.With([]byte("head:"))); got != "head:picture" {
		t.Errorf("got %q", got)
	}
	if !bytes.Equal(f.Data(), []byte("picture")) || f.Timestamp() != 5 {
		t.Errorf("got %q of %d", f.Data(), f.Timestamp())
	}
}
