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

func TestPacketsArriveAsTheyWereSent(t *testing.T) {
	s := serve(t, &format.G711{PayloadTyp: 8, MULaw: false, SampleRate: 8000, ChannelCount: 1}, h264Format())
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	if f := next(t, v.begun, ended); f.Codec != camera.H264 || len(f.Sets) != 2 || !bytes.Equal(f.Sets[0], sps) || !bytes.Equal(f.Sets[1], pps) {
		t.Errorf("the format is %+v", f)
	}
	<-s.playing
	// The first packets may pass before the server counts the viewer in; a picture of its own shows when it does.
	first := synchronise(t, s, v)
	sent := []camera.Packet{
		{Payload: sps, Timestamp: 9000},
		{Payload: append([]byte{0x65}, bytes.Repeat([]byte{7}, 1399)...), Timestamp: 9000, Marker: true},
		{Payload: []byte{0x41, 1, 2}, Timestamp: 12000, Marker: true},
	}
	for i, p := range sent {
		s.send(t, first+1+uint16(i), p.Timestamp, p.Marker, p.Payload)
	}
	var origin uint32 // the server moves the timestamps
	for i, want := range sent {
		got := next(t, v.packets, ended)
		for got.Payload[0] == synchronising {
			got = next(t, v.packets, ended)
		}
		if i == 0 {
			origin = got.Timestamp - want.Timestamp
		}
		if !bytes.Equal(got.Payload, want.Payload) || got.Marker != want.Marker || got.Timestamp-origin != want.Timestamp {
			t.Errorf("packet %d: %d bytes, marker %v, timestamp %d", i, len(got.Payload), got.Marker, got.Timestamp-origin)
		}
	}
	stop()
	<-ended
	if s.setups != 1 {
		t.Errorf("%d media were set up, want the video only", s.setups)
	}
}

const synchronising = 0x4d // the payload's first byte

// synchronise sends until a packet arrives and returns the number of the last one sent.
func synchronise(t *testing.T, s *server, v *viewer) uint16 {
	t.Helper()
	for sequence := uint16(1); ; sequence++ {
		s.send(t, sequence, 77, true, []byte{synchronising})
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
