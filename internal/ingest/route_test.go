package ingest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
)

// enough pictures; the last of a clip may wait in a decoder for what comes next.
const enough = 50

// What a room cannot show comes out as H.264 that everybody can decode: each picture once, in the order in which it is shown, with the
// camera's timestamp. ffmpeg has nothing to complain of, so all came whole.
func TestWhatARoomCannotShowIsTranscoded(t *testing.T) {
	for name, tc := range map[string]struct {
		clip      clip
		says      camera.Codec
		transcode string
		sends     string
	}{
		"H.265":                {hevc, camera.H265, config.TranscodeAuto, "H.265"},
		"H.265 called H.264":   {hevc, camera.H264, config.TranscodeAuto, "H.265"},
		"H.264 4:2:2 10 bits":  {deep, camera.H264, config.TranscodeAuto, "H.264 High 4:2:2, level 1.3, 320x240, 25 fps"},
		"MJPEG":                {jpegs, camera.MJPEG, config.TranscodeAuto, "MJPEG"},
		"anything, if it must": {plain, camera.H264, config.TranscodeAlways, "H.264 Constrained Baseline, level 1.3, 320x240, 25 fps"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, ingest.Options{Transcode: tc.transcode, MaxHeight: 120})
			r.run(t)
			r.Begin(camera.Format{Codec: tc.says})
			r.play(tc.clip.shoot(t, 1<<32-90_000))
			got := r.screen.wait(enough)
			checkTranscoded(t, got[:enough], 1<<32-90_000)
			for _, entry := range r.logs.FilterMessage("ffmpeg says").All() {
				t.Error(entry.ContextMap())
			}
			if d := r.part.View().Detail; d["sends"] != tc.sends || d["handling"] != "transcoded by libx264" {
				t.Errorf("the status page says %q", d)
			}
			if r.metric(t, "camera_video_path", "transcoded") != 1 || r.metric(t, "camera_video_path", "passed_on") != 0 {
				t.Error("the metric says otherwise")
			}
		})
	}
}

func checkTranscoded(t *testing.T, got []seen, start uint32) {
	t.Helper()
	for n, p := range got {
		if want := start + uint32(n)*frameTime; p.timestamp != want {
			t.Fatalf("picture %d has timestamp %d, want %d", n, p.timestamp, want)
		}
	}
	if f := format(t, got[0]); f.Height != 120 || f.Passable() != nil || f.Order() != h264.OrderKept {
		t.Errorf("it is %s", f)
	}
}

// format is what the SPS of a picture says.
func format(t *testing.T, p seen) h264.Format {
	t.Helper()
	for _, unit := range p.units {
		if h264.Look(unit).Has(h264.SPS) {
			f, err := h264.ParseSPS(unit)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatal("a picture without an SPS")
	return h264.Format{}
}

func TestH264CalledH265IsPassedOn(t *testing.T) {
	r := newRig(t, ingest.Options{Encoders: encode.NewEncoders(ffmpeg.New("no-such-program", nil))})
	stop, _ := r.run(t)
	r.Begin(camera.Format{Codec: camera.H265, Sets: [][]byte{{0x40, 1, 12}, nil}})
	pictures := plain.shoot(t, 0)
	r.play(pictures)
	if got := r.screen.all(); len(got) != len(pictures) || !got[0].content().Has(h264.IDR) {
		t.Errorf("%d pictures went on, want all %d", len(got), len(pictures))
	}
	if d := r.part.View().Detail; d["handling"] != "passed on" {
		t.Errorf("the status page says %q", d)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
}

func TestWhatMayNotBeTranscodedIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		clip clip
		want string
	}{
		"H.265": {hevc, "a room cannot show the camera's H.265; set it to H.264, or use the address of its second stream, which often is, " +
			"or have it transcoded here with transcode: auto"},
		"MJPEG": {jpegs, "a room cannot show the camera's MJPEG; set it to H.264, or use the address of its second stream, which often is, " +
			"or have it transcoded here with transcode: auto"},
		"B-frames": {bframes, "a room cannot show the camera's H.264: it has B-frames, which come in another order than they are shown; " +
			"set its profile to Main or Baseline and B-frames to 0, and turn smart coding (H.264+, Smart Codec, Zipstream) off, " +
			"or have it transcoded here with transcode: auto"},
		"10 bits": {deep, "a room cannot show the camera's H.264: the colours are 4:2:2 (High 4:2:2), and receivers decode 4:2:0 only; " +
			"set its profile to Main or High, with 8 bits and 4:2:0, or have it transcoded here with transcode: auto"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, ingest.Options{Transcode: config.TranscodeNever})
			_, result := r.run(t)
			r.Begin(camera.Format{Codec: tc.clip.codec})
			r.play(tc.clip.shoot(t, 0))
			err := <-result
			if fault, ok := errors.AsType[*camera.Fault](err); !ok || fault.Reason != camera.WrongCodec || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}

			// The next session is judged for itself.
			before := len(r.screen.all())
			stop, _ := r.run(t)
			r.Begin(camera.Format{Codec: camera.H264})
			r.play(plain.shoot(t, 0))
			if got := len(r.screen.all()) - before; got != clipSize && got != clipSize-1 {
				t.Errorf("of the next session %d pictures went on", got)
			}
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("the next session ended with %v", err)
			}
		})
	}
}

// A camera that was refused for its B-frames is watched before it is passed on again; nothing of it reaches the room until then.
func TestNothingOfARefusedCameraIsPassedOn(t *testing.T) {
	r := newRig(t, ingest.Options{Transcode: config.TranscodeNever})
	pictures := bframes.shoot(t, 0)
	second := slices.IndexFunc(pictures[1:], func(row []camera.Packet) bool { return h264.Look(row[0].Payload).Has(h264.SPS) }) + 1
	for range 2 {
		_, result := r.run(t)
		r.Begin(camera.Format{Codec: camera.H264})
		r.play(pictures)
		if err := <-result; camera.ReasonOf(err) != camera.WrongCodec {
			t.Errorf("a session ended with %v", err)
		}
	}
	if r.screen.packets > 0 {
		t.Errorf("%d packets were passed on", r.screen.packets)
	}

	// Now it makes no B-frames any more.
	var keys [][]camera.Packet
	for n := range uint32(30) {
		for _, p := range slices.Concat(pictures[0], pictures[second]) {
			p.Timestamp += n * 180_000
			keys = append(keys, []camera.Packet{p})
		}
	}
	for session, least := range []int{30, 58} {
		before := len(r.screen.all())
		stop, _ := r.run(t)
		r.Begin(camera.Format{Codec: camera.H264})
		r.play(keys)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("a session ended with %v", err)
		}
		if got := len(r.screen.all()) - before; got < least {
			t.Errorf("in session %d only %d pictures were passed on, want %d", session, got, least)
		}
	}
}

// A camera with few pictures a second is given up by the watchdog before its trial is over. The next session goes on with it.
func TestATrialOutlivesItsSession(t *testing.T) {
	r := newRig(t, ingest.Options{Transcode: config.TranscodeNever})
	promises := bframes.shoot(t, 0)[0] // a key frame, under an SPS that allows B-frames
	for n := range uint32(4) {
		stop, _ := r.run(t)
		r.Begin(camera.Format{Codec: camera.H264})
		for k := range uint32(10) {
			for _, p := range promises {
				p.Timestamp += n*1_000_000 + k*45_000
				r.Packet(p)
			}
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("session %d ended with %v", n, err)
		}
	}
	if got := len(r.screen.all()); got < 10 {
		t.Errorf("%d pictures went on", got)
	}
}

// B-frames show only when they come. From the next key frame on they are transcoded, and the next session is from its first picture.
func TestBFramesAreRememberedUntilTheyStop(t *testing.T) {
	r := newRig(t, ingest.Options{MaxHeight: 120})
	pictures := bframes.shoot(t, 0)
	session := func(pictures [][]camera.Packet, want int) []seen {
		before := len(r.screen.all())
		stop, _ := r.run(t)
		r.Begin(camera.Format{Codec: camera.H264})
		r.play(pictures)
		got := r.screen.wait(before + want)[before:]
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Fatalf("a session ended with %v", err)
		}
		return got
	}
	second := slices.IndexFunc(pictures[1:], func(row []camera.Packet) bool { return h264.Look(row[0].Payload).Has(h264.SPS) }) + 1

	got := session(pictures, second+20)
	if small, large := format(t, got[second]).Height, format(t, got[0]).Height; small != 120 || large != 240 {
		t.Errorf("before the second key frame the pictures have %d lines, after it %d", large, small)
	}
	if f := format(t, session(pictures, 40)[0]); f.Height != 120 {
		t.Errorf("the second session begins with %s", f)
	}

	// The camera was told to make none, and promises no more than before.
	var keys [][]camera.Packet
	for n := range uint32(6) {
		for _, p := range slices.Concat(pictures[0], pictures[second]) {
			p.Timestamp = n * 90_000
			keys = append(keys, []camera.Packet{p})
		}
	}
	_ = session(keys, 0)
	if f := format(t, session(keys, 5)[0]); f.Height != 240 {
		t.Errorf("the camera was reconfigured, and its next session begins with %s", f)
	}

	// And then it has them again, under another parameter set than the one it is known by.
	_ = session(pictures, second+20)
	if f := format(t, session(plain.shoot(t, 0), 40)[0]); f.Height != 240 {
		t.Errorf("with another parameter set it begins with %s", f)
	}
}

// A camera changes its video without ending the session.
func TestThePathChangesInFlight(t *testing.T) {
	r := newRig(t, ingest.Options{MaxHeight: 120})
	stop, _ := r.run(t)
	r.Begin(camera.Format{Codec: camera.H264})
	r.play(plain.shoot(t, 0))
	r.play(deep.shoot(t, 300_000))
	got := r.screen.wait(clipSize + enough)
	if first, second := format(t, got[0]).Height, format(t, got[clipSize]).Height; first != 240 || second != 120 {
		t.Errorf("the pictures have %d lines, then %d", first, second)
	}
	r.play(plain.shoot(t, 600_000))
	all := r.screen.all()
	var passed []seen
	for _, p := range all[clipSize:] {
		if int32(p.timestamp-600_000) >= 0 {
			passed = append(passed, p)
		}
	}
	if len(passed) != clipSize || format(t, passed[0]).Height != 240 {
		t.Errorf("then %d pictures are passed on again", len(passed))
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := len(r.logs.FilterMessage("video").All()); got != 3 {
		t.Errorf("%d log lines about it, want 3", got)
	}
}

// Of H.265 with losses the encoder gets whole pictures only, each with all that it refers to.
func TestDamagedH265IsLeftOut(t *testing.T) {
	r := newRig(t, ingest.Options{MaxHeight: 120})
	r.run(t)
	r.Begin(camera.Format{Codec: camera.H265})
	pictures := hevc.shoot(t, 0)
	r.play(pictures[:10])
	for i, p := range pictures[10] {
		if i > 0 {
			p.Lost = min(1, max(0, 2-i))
			r.Packet(p)
		}
	}
	r.play(pictures[11:])
	got := r.screen.wait(10 + 30)
	if want := uint32(25) * frameTime; got[10].timestamp != want {
		t.Errorf("after the loss it goes on with %d, want the key frame at %d", got[10].timestamp, want)
	}
	for _, entry := range r.logs.FilterMessage("ffmpeg says").All() {
		t.Error(entry.ContextMap())
	}
	if dropped := r.metric(t, "camera_frames_dropped_total", "lost"); dropped != 15 {
		t.Errorf("%v pictures were left out, want 15", dropped)
	}
}

func TestWithoutFFmpegTheSessionEndsWithAdvice(t *testing.T) {
	r := newRig(t, ingest.Options{Encoders: encode.NewEncoders(ffmpeg.New("no-such-program", func(s string) string { return s }))})
	_, result := r.run(t)
	r.Begin(camera.Format{Codec: camera.H265})
	r.play(hevc.shoot(t, 0)[:5])
	if fault, ok := errors.AsType[*camera.Fault](<-result); !ok || fault.Reason != camera.WrongCodec {
		t.Errorf("got %v", fault)
	}
}

// An encoder may take its time to be found, and H.265 may begin in the middle of a group: that is no fault of the camera, which must not be
// taken for one that gives no pictures.
func TestPicturesToBeTranscodedCountWhenTheyCome(t *testing.T) {
	for name, tc := range map[string]struct {
		clip clip
		skip int
	}{"MJPEG": {jpegs, 0}, "H.265 in mid-group": {hevc, 1}} {
		pictures := tc.clip.shoot(t, 0)[tc.skip:]
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, ingest.Options{}) // nobody runs it: nothing is encoded
			time.Sleep(time.Minute)
			r.Begin(camera.Format{Codec: tc.clip.codec})
			if age := r.PictureAge(); age != time.Minute {
				t.Errorf("%s: the newest of no pictures is %v old", name, age)
			}
			r.play(pictures[:3])
			time.Sleep(time.Second)
			if age := r.PictureAge(); age != time.Second {
				t.Errorf("%s: the newest picture is %v old", name, age)
			}
			want := time.Second // each is a key frame
			if !tc.clip.codec.Single() {
				want += time.Minute
			}
			if age := r.KeyAge(); age != want {
				t.Errorf("%s: the newest key frame is %v old, want %v", name, age, want)
			}
			if n := len(r.screen.all()); n != 0 {
				t.Errorf("%s: %d pictures came out", name, n)
			}
		})
	}
}

// Who gives half a picture gives none, and is taken for a camera that stands still.
func TestRawPicturesOfAWrongSizeAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, ingest.Options{})
		r.Begin(camera.Format{Codec: camera.NV12, Width: 64, Height: 48})
		time.Sleep(time.Minute)
		r.Packet(camera.Packet{Payload: make([]byte, 64*48*3/2-1), Marker: true})
		if age := r.PictureAge(); age != time.Minute || r.metric(t, "camera_invalid_packets_total", "") != 1 {
			t.Errorf("the newest picture is %v old", age)
		}
		r.Packet(camera.Packet{Payload: make([]byte, 64*48*3/2), Marker: true})
		if age := r.PictureAge(); age != 0 {
			t.Errorf("the newest picture is %v old", age)
		}
	})
}
