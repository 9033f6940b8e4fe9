package rtsp_test

import (
	"bytes"
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
	if p := next(t, v.begun, ended); !bytes.Equal(p.Sets[0], sps) || !bytes.Equal(p.Sets[1], pps) {
		t.Errorf("the parameter sets are %x and %x", p.Sets[0], p.Sets[1])
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
	next(t, v.begun, ended)
	<-s.playing
	stop()
	<-ended
	<-s.teardown
}

func TestACameraThatEndsTheSession(t *testing.T) {
	s := serve(t, h264Format())
	v, _, ended := run(t, source(t, s.address, "/live", password))
	next(t, v.begun, ended)
	<-s.playing
	synchronise(t, s, v)
	s.Close()
	wantFault(t, <-ended, camera.Closed)
}

// clumsy panics with the first packet, on the goroutine of the RTSP library.
type clumsy struct{ begun chan struct{} }

func (c clumsy) Begin(camera.Format) { close(c.begun) }
func (clumsy) Packet(camera.Packet)  { panic("dropped it") }

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

// Servers that are short of buffers send halves of frames; the client finds the next one.
func TestRubbishBetweenPackets(t *testing.T) {
	s := play(t, answers{base.Play: func(r *base.Request) string {
		return reply(r, "200 OK") + interleaved(1, []byte{0x41, 1}) + "\x00\x01 half a frame \xff" + interleaved(2, []byte{0x41, 2})
	}})
	v, _, ended := run(t, source(t, s.address, "/live", password))
	for n := byte(1); n <= 2; n++ {
		if p := next(t, v.packets, ended); p.Payload[1] != n {
			t.Errorf("got the packet %x, want number %d", p.Payload, n)
		}
	}
}
