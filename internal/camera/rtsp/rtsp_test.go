package rtsp_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

func TestPacketsArriveCutToSize(t *testing.T) {
	s := serve(t, &format.G711{PayloadTyp: 8, MULaw: false, SampleRate: 8000, ChannelCount: 1}, h264Format())
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	if p := <-v.begun; !bytes.Equal(p.SPS, sps) || !bytes.Equal(p.PPS, pps) {
		t.Errorf("the parameter sets are %x and %x", p.SPS, p.PPS)
	}
	large := append([]byte{0x65}, bytes.Repeat([]byte{7}, 1399)...)
	<-s.playing
	// The first packets may pass before the server counts the viewer in; a picture of its own shows when it does.
	first := synchronise(t, s, v)
	s.send(t, first+1, 9000, false, sps)
	s.send(t, first+2, 9000, true, large)
	s.send(t, first+3, 12000, true, []byte{0x41, 1, 2})

	var got []camera.Packet
	for len(got) < 4 {
		if p := <-v.packets; p.Timestamp != synchronising {
			got = append(got, p)
		}
	}
	var rebuilt []byte
	for i, p := range got {
		if wantMarker := i >= 2; len(p.Payload) > camera.MaxPayload || p.Marker != wantMarker {
			t.Errorf("packet %d: %d bytes, marker %v", i, len(p.Payload), p.Marker)
		}
		if want := uint32(9000); i < 3 && p.Timestamp-got[0].Timestamp != 0 || i == 3 && p.Timestamp-got[0].Timestamp != 12000-want {
			t.Errorf("packet %d has the timestamp %d", i, p.Timestamp)
		}
		if i == 1 || i == 2 {
			rebuilt = append(rebuilt, p.Payload[2:]...)
		}
	}
	if !bytes.Equal(rebuilt, large[1:]) {
		t.Errorf("the fragments hold %d bytes of %d", len(rebuilt), len(large)-1)
	}
	stop()
	<-ended
	if s.setups != 1 {
		t.Errorf("%d media were set up, want the video only", s.setups)
	}
}

const synchronising = 77

// synchronise sends until a packet arrives and returns the number of the last one sent.
func synchronise(t *testing.T, s *server, v *viewer) uint16 {
	t.Helper()
	for sequence := uint16(1); ; sequence++ {
		s.send(t, sequence, synchronising, true, []byte{0x41, 0})
		select {
		case <-v.packets:
			return sequence
		case <-time.After(5 * time.Millisecond): // not yet: try again
		}
	}
}

func TestStoppingTakesLeave(t *testing.T) {
	s := serve(t, h264Format())
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	<-v.begun
	<-s.playing
	stop()
	<-ended
	<-s.teardown
}

func TestFaults(t *testing.T) {
	plain := serve(t, h264Format())
	busy := serve(t, h264Format())
	busy.refuse = base.StatusServiceUnavailable
	for name, tc := range map[string]struct {
		address, path, password string
		reason                  camera.Reason
		says                    []string
	}{
		"wrong password": {plain.address, "/live", "canary-wrong", camera.Auth, []string{"401", "check username and password"}},
		"no such path":   {plain.address, "/other", password, camera.NotFound, []string{"404", "check the path"}},
		"too many":       {busy.address, "/live", password, camera.Busy, []string{"503", "too many viewers"}},
		"nobody listens": {deadAddress(t), "/live", password, camera.Unreachable, []string{"refused", "check that the camera is on"}},
		"no such host":   {"no-such-camera.invalid", "/live", password, camera.Unreachable, []string{"check it, or use the camera's IP address"}},
		"H.265":          {serve(t, &format.H265{PayloadTyp: 96}).address, "/live", password, camera.Codec, []string{"offers H265, and no H.264", "set the camera's stream to H.264"}},
		"MJPEG":          {serve(t, &format.MJPEG{}).address, "/live", password, camera.Codec, []string{"offers MJPEG", "H.264"}},
		"strange":        {answers(t, "RTSP/1.0 451 Parameter Not Understood\r\nCSeq: 1\r\n\r\n"), "/live", password, camera.Protocol, nil},
		"hangs up":       {answers(t, ""), "/live", password, camera.Closed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			src := source(t, tc.address, tc.path, tc.password)
			_, _, ended := run(t, src)
			wantFault(t, <-ended, tc.reason, append(tc.says, src.String())...)
		})
	}
}

func TestACameraThatEndsTheSession(t *testing.T) {
	s := serve(t, h264Format())
	v, _, ended := run(t, source(t, s.address, "/live", password))
	<-v.begun
	<-s.playing
	synchronise(t, s, v)
	s.Close()
	wantFault(t, <-ended, camera.Closed)
}

func wantFault(t *testing.T, err error, reason camera.Reason, says ...string) {
	t.Helper()
	if _, ok := errors.AsType[*camera.Fault](err); !ok || camera.ReasonOf(err) != reason {
		t.Fatalf("got %q of %v, want %q", camera.ReasonOf(err), err, reason)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error has the password: %v", err)
	}
}

// answers starts a server that reads a request, says text and hangs up.
func answers(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// clumsy panics with the first packet, on the goroutine of the RTSP library.
type clumsy struct{ begun chan struct{} }

func (c clumsy) Begin(camera.Parameters) { close(c.begun) }
func (clumsy) Packet(camera.Packet)      { panic("dropped it") }

func TestAPanicBehindTheSourceEndsItWithThePanic(t *testing.T) {
	s := serve(t, h264Format())
	ended := make(chan error, 1)
	c := clumsy{make(chan struct{})}
	go func() { ended <- source(t, s.address, "/live", password).Run(t.Context(), c) }()
	<-c.begun
	<-s.playing
	for sequence := uint16(1); ; sequence++ {
		s.send(t, sequence, 9000, true, []byte{0x41, 0})
		select {
		case err := <-ended:
			if !guard.Panicked(err) || !strings.Contains(err.Error(), "dropped it") {
				t.Errorf("Run returned %v, want the panic", err)
			}
			return
		case <-time.After(5 * time.Millisecond): // not yet: try again
		}
	}
}
