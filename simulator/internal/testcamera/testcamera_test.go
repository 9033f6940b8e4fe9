package testcamera_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/testcamera"
)

// tiny is a small clip.
var tiny = clip.Spec{Name: "tiny", Width: 320, Height: 180, FPS: 30, Frames: 600, GOP: 15, BitrateKbps: 300, Camera: 1}

// loadClip returns it, made once for all tests.
var loadClip = sync.OnceValues(func() (*clip.Clip, error) {
	dir, err := os.MkdirTemp("", "testcamera")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return makeClip(dir, tiny)
})

func makeClip(dir string, spec clip.Spec) (*clip.Clip, error) {
	path, err := clip.Ensure(context.Background(), "ffmpeg", dir, spec)
	if err != nil {
		return nil, err
	}
	return clip.Load(path, spec)
}

// start starts a server with one camera named "front".
func start(t *testing.T, settings testcamera.Camera) *testcamera.Server {
	t.Helper()
	loaded, err := loadClip()
	if err != nil {
		t.Fatal(err)
	}
	settings.Name = "front"
	if settings.Clip == nil {
		settings.Clip = loaded
	}
	server, err := testcamera.Start(testcamera.Options{Cameras: []testcamera.Camera{settings}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// A viewer plays a camera and hands out its access units.
type viewer struct {
	client     *gortsplib.Client
	url        *base.URL
	units      chan [][]byte
	maxPayload int // only read after the client was closed
}

// dial returns a client that ends with the test.
func dial(t *testing.T, rawURL string, protocol gortsplib.Protocol) *viewer {
	t.Helper()
	u, err := base.ParseURL(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{
		client: &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &protocol},
		url:    u,
		units:  make(chan [][]byte, 1000),
	}
	if err := v.client.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.client.Close)
	return v
}

// watch plays a URL; the error is that of the request that was refused.
func watch(t *testing.T, rawURL string, protocol gortsplib.Protocol) (*viewer, error) {
	t.Helper()
	v := dial(t, rawURL, protocol)
	desc, _, err := v.client.Describe(v.url)
	if err != nil {
		return nil, err
	}
	return v, v.play(desc)
}

func (v *viewer) play(desc *description.Session) error {
	var h264 *format.H264
	media := desc.FindFormat(&h264)
	if media == nil {
		return errors.New("no H.264 announced")
	}
	decoder, err := h264.CreateDecoder()
	if err != nil {
		return err
	}
	if _, err := v.client.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return err
	}
	v.client.OnPacketRTP(media, h264, func(packet *rtp.Packet) {
		v.maxPayload = max(v.maxPayload, len(packet.Payload))
		if unit, err := decoder.Decode(packet); err == nil {
			v.units <- unit
		}
	})
	_, err = v.client.Play(nil)
	return err
}

// next returns the next access unit.
func (v *viewer) next(t *testing.T) [][]byte {
	t.Helper()
	select {
	case unit := <-v.units:
		return unit
	case <-time.After(10 * time.Second):
		t.Fatal("no picture for 10 s")
		return nil
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// position returns where in the clip a unit comes from.
func position(t *testing.T, unit [][]byte) int {
	t.Helper()
	loaded, _ := loadClip()
	for n, candidate := range loaded.Units {
		if bytes.Equal(candidate.NALs[len(candidate.NALs)-1], unit[len(unit)-1]) {
			return n
		}
	}
	t.Fatal("a picture that is not in the clip")
	return -1
}

func TestViewersGetThePicturesInOrder(t *testing.T) {
	for name, protocol := range map[string]gortsplib.Protocol{"tcp": gortsplib.ProtocolTCP, "udp": gortsplib.ProtocolUDP} {
		t.Run(name, func(t *testing.T) {
			server := start(t, testcamera.Camera{})
			viewer, err := watch(t, server.URL("front"), protocol)
			if err != nil {
				t.Fatal(err)
			}
			before := position(t, viewer.next(t))
			for range 30 {
				now := position(t, viewer.next(t))
				if now != before+1 {
					t.Errorf("picture %d after %d", now, before)
				}
				before = now
			}
			if edge := server.Counter("front"); edge < before {
				t.Errorf("live edge %d, but picture %d was seen", edge, before)
			}
			if n := server.Sessions("front"); n != 1 {
				t.Errorf("%d sessions, want 1", n)
			}
			viewer.client.Close()
			eventually(t, "the session is gone", func() bool { return server.Sessions("front") == 0 })
		})
	}
}

func TestPayloadSize(t *testing.T) {
	for size, want := range map[int]int{0: 1400, 600: 600} {
		server := start(t, testcamera.Camera{PayloadSize: size})
		viewer, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			viewer.next(t)
		}
		viewer.client.Close()
		if viewer.maxPayload > want || viewer.maxPayload < want-10 {
			t.Errorf("option %d: largest payload is %d, want about %d", size, viewer.maxPayload, want)
		}
	}
}

func TestParameterSetsOnlyInSDP(t *testing.T) {
	for _, only := range []bool{false, true} {
		settings := testcamera.Camera{}
		if only {
			settings.Sets = testcamera.SetsInSDP
		}
		server := start(t, settings)
		viewer, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for range 20 { // the GOP is 15
			for _, nal := range viewer.next(t) {
				found = found || nal[0]&0x1F == 7
			}
		}
		if found == only {
			t.Errorf("only in the SDP: %v: parameter sets in band: %v", only, found)
		}
	}
}

func TestCredentials(t *testing.T) {
	server := start(t, testcamera.Camera{Username: "admin", Password: "first"})
	open := func(credentials string) error {
		_, err := watch(t, strings.Replace(server.URL("front"), "rtsp://", "rtsp://"+credentials, 1), gortsplib.ProtocolTCP)
		return err
	}
	isRefused := func(err error) bool {
		var bad liberrors.ErrClientBadStatusCode
		return errors.As(err, &bad) && bad.Code == base.StatusUnauthorized
	}
	if err := open(""); !isRefused(err) {
		t.Errorf("no credentials: %v, want 401", err)
	}
	if err := open("admin:wrong@"); !isRefused(err) {
		t.Errorf("wrong password: %v, want 401", err)
	}
	if err := open("admin:first@"); err != nil {
		t.Errorf("right password: %v", err)
	}
	if plays, refused := server.Plays("front"), server.Refused("front"); plays != 1 || refused == 0 {
		t.Errorf("%d plays and %d refused, want one play", plays, refused)
	}
	server.SetPassword("front", "second")
	if err := open("admin:first@"); !isRefused(err) {
		t.Errorf("old password: %v, want 401", err)
	}
	if err := open("admin:second@"); err != nil {
		t.Errorf("new password: %v", err)
	}
}

func TestStallLosesNothing(t *testing.T) {
	server := start(t, testcamera.Camera{})
	viewer, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP)
	if err != nil {
		t.Fatal(err)
	}
	before := position(t, viewer.next(t))
	server.Stall("front")
	// One picture may have been on its way into the socket; after it the edge stands still.
	edge := -1
	eventually(t, "the live edge stands still", func() bool {
		was := edge
		edge = server.Counter("front")
		time.Sleep(100 * time.Millisecond)
		return was == edge
	})
	if server.Sessions("front") != 1 {
		t.Error("the session ended in the stall")
	}
	server.Resume("front")
	for range 20 {
		now := position(t, viewer.next(t))
		if now != before+1 {
			t.Errorf("picture %d after %d", now, before)
		}
		before = now
	}
	if before <= edge {
		t.Errorf("picture %d is not newer than the stall at %d", before, edge)
	}
}

func TestDisconnectAndDown(t *testing.T) {
	server := start(t, testcamera.Camera{})
	for name, protocol := range map[string]gortsplib.Protocol{"tcp": gortsplib.ProtocolTCP, "udp": gortsplib.ProtocolUDP} {
		first, err := watch(t, server.URL("front"), protocol)
		if err != nil {
			t.Fatal(err)
		}
		first.next(t)
		server.Disconnect("front")
		if err := first.client.Wait(); err == nil {
			t.Errorf("%s: no error after Disconnect", name)
		}
		eventually(t, "the session is gone", func() bool { return server.Sessions("front") == 0 })
	}
	server.SetDown("front", true)
	var bad liberrors.ErrClientBadStatusCode
	if _, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP); !errors.As(err, &bad) || bad.Code != base.StatusServiceUnavailable {
		t.Errorf("while down: %v, want 503", err)
	}
	server.SetDown("front", false)
	if _, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP); err != nil {
		t.Errorf("up again: %v", err)
	}
}

func TestUnknownPath(t *testing.T) {
	server := start(t, testcamera.Camera{})
	var bad liberrors.ErrClientBadStatusCode
	if _, err := watch(t, server.URL("front")+"er", gortsplib.ProtocolTCP); !errors.As(err, &bad) || bad.Code != base.StatusNotFound {
		t.Errorf("got %v, want 404", err)
	}
}

func TestStartRefusesWrongCameras(t *testing.T) {
	loaded, err := loadClip()
	if err != nil {
		t.Fatal(err)
	}
	for want, cameras := range map[string][]testcamera.Camera{
		"no clip":    {{Name: "a"}},
		"unique":     {{Name: "a", Clip: loaded}, {Name: "a", Clip: loaded}},
		"codec":      {{Name: "a", Clip: loaded, Says: "theora"}},
		"nowhere":    {{Name: "a", Clip: loaded, Says: testcamera.VP8, Sets: testcamera.SetsInSDP}},
		"must be gi": {{Clip: loaded}},
	} {
		if _, err := testcamera.Start(testcamera.Options{Cameras: cameras}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
