package encode_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child/childtest"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
)

// standIn is a program that is ffmpeg, except that cases of its command line, as a shell's case statement, do something else.
func standIn(t *testing.T, cases string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	script := "#!/bin/sh\ncase \"$*\" in\n" + cases + "\n*) exec ffmpeg \"$@\";;\nesac\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// passesProbe is a case that makes an encoder pass the probe that this machine does not have.
const passesProbe = `*"-c:v mjpeg"*h264_v4l2m2m*) exec ffmpeg -loglevel error -probesize 32 -c:v mjpeg -f ivf -i pipe:0 -c:v libx264 \
	-preset ultrafast -tune zerolatency -profile:v baseline -pix_fmt yuv420p -f mpegts pipe:1;;
`

// roll writes pictures that each can be decoded alone, until the test ends.
func (r *rig) roll(t *testing.T) {
	t.Helper()
	c := hevc("160x120", 20)
	c.args = strings.Replace(c.args, "keyint=25", "keyint=1", 1)
	shots := c.make(t, 0)
	stop, done := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			p := shots[n%len(shots)].Picture
			p.Timestamp = uint32(n * 1800)
			r.Write(p)
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
}

// eventually waits for what must come, for as long as tests may last.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

// An encoder that passes the probe and fails at work makes room for the next.
func TestTheNextEncoderTakesOver(t *testing.T) {
	for name, failing := range map[string]struct{ does, says string }{
		"it does not read":   {"exec sleep 3600", "it hangs: it took pictures and gave none for 3s"},
		"it does not answer": {"exec grep -a nothing-like-this", "it hangs: it took pictures and gave none for 3s"},
		"it ends":            {"echo no more buffers >&2; exit 1", "ffmpeg ended with exit status 1; it said: no more buffers"},
		"it ends slowly":     {"exec >&-; sleep 0.3; echo no more buffers >&2; exit 7", "ffmpeg ended with exit status 7; it said: no more buffers"},
		"it makes no video":  {"exec cat /dev/zero", "what ffmpeg wrote is no MPEG-TS: a packet begins with 0x0"},
	} {
		t.Run(name, func(t *testing.T) {
			program := standIn(t, passesProbe+"*h264_v4l2m2m*) "+failing.does+";;")
			r := start(t, encode.Options{Codec: camera.H265, Encoders: encode.NewEncoders(ffmpeg.New(program, unscrubbed)), Patience: 3 * time.Second})
			r.roll(t)
			r.wait(10)

			var used []string
			for _, entry := range r.logs.FilterMessage("transcoding").All() {
				used = append(used, entry.ContextMap()["encoder"].(string))
			}
			if want := []string{"h264_v4l2m2m", "h264_v4l2m2m", "libx264"}; !slices.Equal(used, want) {
				t.Errorf("used %v, want %v", used, want)
			}
			for _, entry := range r.logs.FilterMessage("encoder failed, will start again").All() {
				if got := entry.ContextMap()["error"]; got != failing.says {
					t.Errorf("got %q, want %q", got, failing.says)
				}
			}
			if got := r.metric(t, "restarts_total"); got != 2 {
				t.Errorf("%v restarts, want 2", got)
			}
		})
	}
}

func TestAKilledEncoderIsStartedAgain(t *testing.T) {
	r := start(t, encode.Options{Codec: camera.H265})
	r.roll(t)
	n := len(r.wait(10))
	killAll(t)
	eventually(t, "a restart", func() bool { return r.metric(t, "restarts_total") == 1 })
	r.wait(n + 100)
	if got := r.logs.FilterMessage("encoder failed, will start again").All(); len(got) != 1 ||
		got[0].ContextMap()["error"] != "ffmpeg ended with signal: killed; it did not say why" {
		t.Errorf("got %v", got)
	}

	killAll(t)
	fault, ok := errors.AsType[*camera.Fault](<-r.result)
	if !ok || fault.Reason != camera.Protocol || !strings.Contains(fault.Error(), "fails with every encoder: ffmpeg ended with signal: killed") {
		t.Errorf("killed twice in a row: got %v", fault)
	}
	again(t, r)
}

// again calls Run a second time and waits for more pictures.
func again(t *testing.T, r *rig) {
	t.Helper()
	n := len(r.wait(0))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = r.Run(ctx, r.screen) }()
	eventually(t, "more pictures", func() bool { return len(r.wait(0)) > n+5 })
	cancel()
	<-ended
}

func TestRunMayBeCalledAgain(t *testing.T) {
	r := start(t, encode.Options{Codec: camera.H265})
	r.roll(t)
	r.wait(5)
	_ = r.stop()
	again(t, r)
}

func killAll(t *testing.T) {
	t.Helper()
	found := childtest.Mine(t)
	if len(found) == 0 {
		t.Fatal("no child to kill")
	}
	for id := range found {
		if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhenNoEncoderWorks(t *testing.T) {
	program := standIn(t, `*force_key_frames*) echo "[some @ 0x1234] no luck" >&2; exit 1;;`)
	r := start(t, encode.Options{Codec: camera.MJPEG, Encoders: encode.NewEncoders(ffmpeg.New(program, unscrubbed))})
	r.write(jpegs("160x120", 1).make(t, 0))
	fault, ok := errors.AsType[*camera.Fault](<-r.result)
	if !ok || fault.Reason != camera.WrongCodec {
		t.Fatalf("got %v", fault)
	}
	if !strings.Contains(fault.Error(), "no encoder works: "+strings.Join(ffmpegs, ", ")+": no luck; ") {
		t.Errorf("it does not say why not: %s", fault)
	}
}

// A machine that was too busy at its start must not stay without encoders until somebody restarts the agent.
func TestEncodersThatAllFailedAreTriedAgain(t *testing.T) {
	lucky := filepath.Join(t.TempDir(), "lucky")
	encoders := encode.NewEncoders(ffmpeg.New(standIn(t, `*force_key_frames*) [ -e `+lucky+` ] || exit 1; exec ffmpeg "$@";;`), unscrubbed))
	r := start(t, encode.Options{Codec: camera.MJPEG, Encoders: encoders})
	r.write(jpegs("160x120", 1).make(t, 0))
	if fault, ok := errors.AsType[*camera.Fault](<-r.result); !ok || fault.Reason != camera.WrongCodec {
		t.Fatalf("got %v", fault)
	}
	if err := os.WriteFile(lucky, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	verdicts, err := encoders.Verdicts(t.Context(), encode.Job{Codec: camera.MJPEG})
	if err != nil || !slices.ContainsFunc(verdicts, func(v encode.Verdict) bool { return v.Err == nil }) {
		t.Errorf("got %v, error %v", verdicts, err)
	}
}

// Drivers exist that take pictures and give green ones.
func TestAProbeLooksAtThePicture(t *testing.T) {
	program := standIn(t, `*"-c:v mjpeg"*) exec ffmpeg -loglevel error -f lavfi -i color=green:size=640x360 -frames:v 8 -c:v libx264 -preset ultrafast \
	-tune zerolatency -profile:v baseline -pix_fmt yuv420p -f mpegts pipe:1;;`)
	verdicts, err := encode.NewEncoders(ffmpeg.New(program, unscrubbed)).Verdicts(t.Context(), encode.Job{Codec: camera.MJPEG})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Err == nil || !strings.HasPrefix(v.Err.Error(), "its pictures show something else: dark is ") {
			t.Errorf("%s: %v", v.Encoder, v.Err)
		}
	}
}

func TestAProbeRefusesBFramesAndProfiles(t *testing.T) {
	for options, want := range map[string]string{
		"-bf 2 -b_strategy 0 -pix_fmt yuv420p": "it makes B-frames",
		"-tune zerolatency -pix_fmt yuv422p":   "the colours are 4:2:2 (High 4:2:2), and receivers decode 4:2:0 only",
		"-pix_fmt yuv420p -frames:v 1":         "of 8 pictures it made 1",
	} {
		program := standIn(t, `*"-c:v mjpeg"*) exec ffmpeg -loglevel error -probesize 32 -c:v mjpeg -f ivf -i pipe:0 -c:v libx264 -preset ultrafast `+
			options+` -f mpegts pipe:1;;`)
		verdicts, err := encode.NewEncoders(ffmpeg.New(program, unscrubbed)).Verdicts(t.Context(), encode.Job{Codec: camera.MJPEG})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(verdicts[0].Err); got != want {
			t.Errorf("%s: got %q, want %q", options, got, want)
		}
	}
}

func TestTwoCamerasProbeOnce(t *testing.T) {
	notes := filepath.Join(t.TempDir(), "notes")
	program := standIn(t, `*"-c:v mjpeg"*) echo "$*" >>`+notes+`; exec ffmpeg "$@";;`)
	encoders := encode.NewEncoders(ffmpeg.New(program, unscrubbed))
	for range 2 {
		if _, err := encoders.Verdicts(t.Context(), encode.Job{Codec: camera.MJPEG}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got != len(ffmpegs) {
		t.Errorf("%d probes of %d encoders", got, len(ffmpegs))
	}
}

func TestWhatItSaysIsScrubbedAndNotTooMuch(t *testing.T) {
	program := standIn(t, `*"-c:v hevc"*) for i in 1 2 3 4 5 6 7 8 9; do echo "opening rtsp://admin:hunter2@cam $i" >&2; done; exit 3;;`)
	scrub := func(text string) string { return strings.ReplaceAll(text, "hunter2", "<secret>") }
	r := start(t, encode.Options{Codec: camera.H265, Encoders: encode.NewEncoders(ffmpeg.New(program, scrub))})
	err := <-r.result
	if !strings.Contains(err.Error(), "exit status 3; it said: opening rtsp://admin:<secret>@cam 6 / ") {
		t.Errorf("got %v", err)
	}
	if got := r.logs.FilterMessage("ffmpeg says").Len(); got != 2*5 {
		t.Errorf("%d lines of two children in the log, want 5 of each", got)
	}
	for _, entry := range r.logs.FilterMessage("ffmpeg said more").All() {
		if got := entry.ContextMap()["lines"]; got != int64(4) {
			t.Errorf("%v lines were kept back, want 4", got)
		}
	}
	for _, entry := range r.logs.All() {
		if strings.Contains(fmt.Sprint(entry.ContextMap()), "hunter2") {
			t.Errorf("a secret in the log: %v", entry)
		}
	}
}

func TestItGetsNoSecretsFromTheEnvironment(t *testing.T) {
	t.Setenv("OVERSHOOT_API_KEY", "ovs-hunter2")
	t.Setenv("LIBVA_DRIVER_NAME", "iHD")
	notes := filepath.Join(t.TempDir(), "notes")
	program := standIn(t, `*"-c:v hevc"*) env >`+notes+`; exit 1;;`)
	r := start(t, encode.Options{Codec: camera.H265, Encoders: encode.NewEncoders(ffmpeg.New(program, unscrubbed))})
	<-r.result
	text, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "LIBVA_DRIVER_NAME=iHD") {
		t.Errorf("its environment is\n%s", text)
	}
}

func TestAnEncoderThatIsTooSlow(t *testing.T) {
	r := start(t, encode.Options{Codec: camera.H265})
	r.roll(t)
	n := len(r.wait(1))
	for id := range childtest.Mine(t) {
		if err := syscall.Kill(id, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a warning", func() bool { return r.logs.FilterMessage("the encoder cannot keep up, pictures are dropped").Len() > 0 })
	dropped := r.metric(t, "frames_dropped_total")
	if waiting := r.metric(t, "frames_in_total") - r.metric(t, "frames_out_total") - dropped; dropped == 0 || waiting > 120 {
		t.Errorf("%v were dropped and %v wait, of 50 in a second", dropped, waiting)
	}
	for id := range childtest.Mine(t) {
		if err := syscall.Kill(id, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	r.wait(n + 200) // what was dropped does not disturb what comes later
	if got := r.metric(t, "restarts_total"); got != 0 {
		t.Errorf("%v restarts: being slow is no failure", got)
	}
}

func TestNothingBeforeAKeyFrame(t *testing.T) {
	c := hevc("160x120", 30)
	shots := c.make(t, 0)
	r := start(t, encode.Options{Codec: c.codec})
	r.write(shots[10:])
	seen := r.wait(5)
	if want := shots[25].Timestamp; seen[0].timestamp != want {
		t.Errorf("the first picture is of %d, want that of the key frame, %d", seen[0].timestamp, want)
	}
	if got := r.metric(t, "frames_dropped_total"); got != 15 {
		t.Errorf("%v dropped, want 15", got)
	}
}

// A camera without an encoder shows nothing, so its watchdog ends the session before the trial of one that hangs does. It must not begin anew
// with each session.
func TestATrialComesToItsEndWithoutWhoAskedForIt(t *testing.T) {
	folder := t.TempDir()
	begun, gate := filepath.Join(folder, "begun"), filepath.Join(folder, "gate")
	encoders := encode.NewEncoders(ffmpeg.New(standIn(t, `*v4l2m2m*) echo >>`+begun+`; until [ -e `+gate+` ]; do sleep 0.05; done; exit 1;;`), unscrubbed))
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := encoders.Verdicts(ctx, encode.Job{Codec: camera.MJPEG}); first <- err }()
	eventually(t, "the trial", func() bool { _, err := os.Stat(begun); return err == nil })
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := encoders.Verdicts(t.Context(), encode.Job{Codec: camera.MJPEG}); err != nil {
		t.Fatal(err)
	}
	if lines, err := os.ReadFile(begun); err != nil || len(lines) != 1 {
		t.Errorf("it was tried %d times, error %v", len(lines), err)
	}
}
