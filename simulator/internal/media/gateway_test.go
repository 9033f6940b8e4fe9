package media_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/livekit"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/media"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/testcamera"
)

const cameraNumber = 7

// A rig is a camera, a livekit-server and a gateway, all real.
type rig struct {
	cameras *testcamera.Server
	server  *livekit.Server
	gateway *media.Gateway
}

func newRig(t *testing.T, decode bool) *rig {
	t.Helper()
	binary := os.Getenv("LIVEKIT_SERVER")
	if binary == "" {
		t.Fatal("LIVEKIT_SERVER must be the path of the livekit-server program that the simulator uses (build it in simulator/livekit-server)")
	}
	loaded, err := smallClip()
	if err != nil {
		t.Fatal(err)
	}
	cameras, err := testcamera.Start(testcamera.Options{Cameras: []testcamera.Camera{{Name: "front", Clip: loaded, PayloadSize: 1200}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cameras.Close)
	server, err := livekit.Start(t.Context(), livekit.Options{Binary: binary, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &rig{cameras, server, media.NewGateway(server, media.Options{Decode: decode, Log: zaptest.NewLogger(t)})}
}

// smallClip makes the clip once for all tests.
var smallClip = sync.OnceValues(func() (*clip.Clip, error) {
	dir, err := os.MkdirTemp("", "media")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path, err := clip.Ensure(context.Background(), "ffmpeg", dir, clip.Small(cameraNumber))
	if err != nil {
		return nil, err
	}
	return clip.Load(path, clip.Small(cameraNumber))
})

// open opens a room and returns it with its events.
func (r *rig) open(t *testing.T, name string) (*media.Room, chan media.Frame, chan bool) {
	t.Helper()
	frames, publisher := make(chan media.Frame, 10000), make(chan bool, 100)
	room, err := r.gateway.Open(name, media.Events{
		OnFrame:     func(frame media.Frame) { frames <- frame },
		OnPublisher: func(joined bool) { publisher <- joined },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	return room, frames, publisher
}

// publish forwards the camera to a room until the returned function is called.
func (r *rig) publish(t *testing.T, room string) (stop func()) {
	t.Helper()
	token, err := r.gateway.PublishToken(room, "publisher", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return forward(t, r.cameras.URL("front"), r.server.URL(), token)
}

// receive waits for the next value of a channel.
func receive[T any](t *testing.T, what string, channel <-chan T) T {
	t.Helper()
	select {
	case value := <-channel:
		return value
	case <-time.After(30 * time.Second):
		t.Fatalf("no %s within 30 s", what)
		panic("unreachable")
	}
}

func TestEveryPictureArrivesAndIsRead(t *testing.T) {
	rig := newRig(t, true)
	room, frames, publisher := rig.open(t, "stream-1")
	stop := rig.publish(t, "stream-1")
	if !receive(t, "publisher", publisher) {
		t.Error("the first thing heard of the publisher is that it left")
	}
	first := receive(t, "picture", frames)
	if !first.Key {
		t.Error("the first picture is not a key frame")
	}
	before := first
	var slowest time.Duration
	for range 150 {
		frame := receive(t, "picture", frames)
		slowest = max(slowest, time.Since(frame.At))
		checkSuccessor(t, before, frame)
		before = frame
	}
	if lag := (rig.cameras.Counter("front") - before.Reading.Counter + picture.CounterPeriod) % picture.CounterPeriod; lag > 30 {
		t.Errorf("the last picture is %d behind the live edge", lag)
	}
	t.Logf("from the arrival of a picture to its reading: %v at most", slowest)

	stop()
	if receive(t, "end of the publisher", publisher) {
		t.Error("the publisher came again instead of leaving")
	}
	room.Close()
	want := media.Stats{Joins: 1, Frames: room.Stats().Frames, KeyFrames: room.Stats().KeyFrames, SkippedPictures: room.Stats().SkippedPictures}
	if got := room.Stats(); got != want || got.Frames < 151 {
		t.Errorf("counts %+v, want nothing lost", got)
	}
}

// checkSuccessor checks that a picture is what comes after another one.
func checkSuccessor(t *testing.T, before, frame media.Frame) {
	t.Helper()
	reading := frame.Reading
	if want := (before.Reading.Counter + 1) % picture.CounterPeriod; !frame.Decoded || reading.Counter != want || reading.Camera != cameraNumber {
		t.Errorf("read counter %d of camera %d (decoded: %v), want %d of %d", reading.Counter, reading.Camera, frame.Decoded, want, cameraNumber)
	}
	if frame.Key != (reading.Counter%30 == 0) {
		t.Errorf("counter %d: key frame %v", reading.Counter, frame.Key)
	}
	if reading.Width != 640 || reading.Height != 360 || reading.Brightness < 30 || reading.Motion <= 0 || frame.Bytes <= 0 {
		t.Errorf("counter %d: %d bytes, read %+v", reading.Counter, frame.Bytes, reading)
	}
	if frame.At.Before(before.At) {
		t.Errorf("counter %d arrived before %d", reading.Counter, before.Reading.Counter)
	}
}

func TestRoomComesBackAfterACrashOfTheServer(t *testing.T) {
	rig := newRig(t, true)
	room, frames, publisher := rig.open(t, "stream-1")
	stop := rig.publish(t, "stream-1")
	receive(t, "publisher", publisher)
	receive(t, "picture", frames)

	rig.server.Kill()
	if receive(t, "end of the publisher", publisher) {
		t.Error("the publisher came instead of leaving")
	}
	stop()
	if err := rig.server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for len(frames) > 0 {
		<-frames
	}
	defer rig.publish(t, "stream-1")()
	if !receive(t, "publisher", publisher) {
		t.Error("the publisher left instead of coming")
	}
	if frame := receive(t, "picture", frames); !frame.Key || frame.Reading.Counter < 0 {
		t.Errorf("first picture after the restart: %+v", frame)
	}
	room.Close()
	if stats := room.Stats(); stats.Joins != 2 || stats.DecodeErrors != 0 || stats.LostPictures != 0 {
		t.Errorf("counts %+v, want two joins and nothing lost within a track", stats)
	}
}

func TestRemovedPublisherAndDeletedRoom(t *testing.T) {
	rig := newRig(t, false)
	room, frames, publisher := rig.open(t, "stream-1")
	defer rig.publish(t, "stream-1")()
	receive(t, "publisher", publisher)
	if frame := receive(t, "picture", frames); frame.Decoded || frame.Bytes == 0 {
		t.Errorf("a gateway that does not decode reports %+v", frame)
	}
	if err := rig.gateway.RemovePublisher(t.Context(), "stream-1"); err != nil {
		t.Fatal(err)
	}
	if receive(t, "end of the publisher", publisher) {
		t.Error("the publisher came instead of leaving")
	}
	room.Close()
	if err := rig.gateway.DeleteRoom(t.Context(), "stream-1"); err != nil {
		t.Errorf("deleting a room: %v", err)
	}
	if err := rig.gateway.DeleteRoom(t.Context(), "no-such-room"); err != nil {
		t.Errorf("deleting a room that is not there: %v", err)
	}
}

func TestTokensSayWhatTheyAllow(t *testing.T) {
	rig := newRig(t, false)
	publisher, err := rig.gateway.PublishToken("stream-1", "publisher", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := rig.gateway.ViewerToken("stream-1", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		token              string
		publish, subscribe bool
	}{"publisher": {publisher, true, false}, "viewer": {viewer, false, true}} {
		verifier, err := auth.ParseAPIToken(c.token)
		if err != nil {
			t.Fatal(err)
		}
		_, grants, err := verifier.Verify(rig.server.APISecret())
		if err != nil {
			t.Fatal(err)
		}
		video := grants.Video
		if !video.RoomJoin || video.Room != "stream-1" || video.RoomAdmin || video.GetCanPublish() != c.publish || video.GetCanSubscribe() != c.subscribe {
			t.Errorf("%s: %+v", name, video)
		}
	}
	if _, err := rig.gateway.PublishToken("stream-1", "publisher", 0); err == nil {
		t.Error("a token that is valid for no time was made")
	}
}

func TestNoTokenIsLogged(t *testing.T) {
	rig := newRig(t, false)
	core, logs := observer.New(zap.DebugLevel)
	gateway := media.NewGateway(rig.server, media.Options{Log: zap.New(core)})
	rig.server.Kill()
	room, err := gateway.Open("stream-1", media.Events{})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); logs.Len() < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no failed joins within 30 s")
		}
	}
	room.Close()
	for _, entry := range logs.All() {
		if line := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(line, "eyJ") {
			t.Errorf("logged: %s", line)
		}
	}
}

func TestCloseWhileTheServerIsDown(t *testing.T) {
	rig := newRig(t, true)
	joined, frames, _ := rig.open(t, "stream-1")
	stop := rig.publish(t, "stream-1")
	receive(t, "picture", frames)

	start := time.Now()
	rig.server.Pause()
	joining, _, _ := rig.open(t, "stream-2")
	joining.Close()
	joined.Close()
	rig.server.Resume()
	rig.server.Kill()
	refused, _, _ := rig.open(t, "stream-3")
	refused.Close()
	t.Logf("three rooms closed in %v", time.Since(start))
	stop()
}

func TestDecoderThatDiesIsReplaced(t *testing.T) {
	rig := newRig(t, false)
	flaky := filepath.Join(t.TempDir(), "ffmpeg")
	// The first one dies without a word, the second complains, the third works.
	script := `#!/bin/sh
if ! [ -e "$0.1" ]; then : >"$0.1"; exit 1; fi
if ! [ -e "$0.2" ]; then : >"$0.2"; echo broken >&2; exec sleep 3600; fi
exec ffmpeg "$@"
`
	if err := os.WriteFile(flaky, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	rig.gateway = media.NewGateway(rig.server, media.Options{FFmpeg: flaky, Decode: true, Log: zaptest.NewLogger(t)})
	room, frames, _ := rig.open(t, "stream-1")
	stop := rig.publish(t, "stream-1")
	if first := receive(t, "picture", frames); !first.Key || first.Reading.Camera != cameraNumber {
		t.Errorf("first picture: %+v", first)
	}
	stop()
	room.Close()
	if got := room.Stats(); got.DecodeErrors != 2 {
		t.Errorf("counts %+v, want two errors of the decoder", got)
	}
}
