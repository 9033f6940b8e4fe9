package main

import (
	"io"
	"runtime"
	"testing"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// far is where a track sends to when it is bound, in place of interceptors, encryption and network.
type far struct{ packets, bytes int }

func (f *far) WriteRTP(_ *rtp.Header, payload []byte) (int, error) {
	f.packets++
	f.bytes += len(payload)
	return len(payload), nil
}

func (f *far) Write(b []byte) (int, error) { return len(b), nil }

// Read says that the far end has nothing to say.
func (f *far) Read([]byte, interceptor.Attributes) (int, interceptor.Attributes, error) {
	return 0, nil, io.EOF
}

func (f *far) CodecParameters() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{{RTPCodecCapability: h264Codec, PayloadType: payloadType}}
}

func (f *far) HeaderExtensions() []webrtc.RTPHeaderExtensionParameter { return nil }
func (f *far) SSRC() webrtc.SSRC                                      { return 1 }
func (f *far) SSRCRetransmission() webrtc.SSRC                        { return 0 }
func (f *far) SSRCForwardErrorCorrection() webrtc.SSRC                { return 0 }
func (f *far) WriteStream() webrtc.TrackLocalWriter                   { return f }
func (f *far) ID() string                                             { return "far" }
func (f *far) RTCPReader() interceptor.RTCPReader                     { return f }

var h264Codec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: clockRate}

// chain returns what takes the packets of a camera, and where they come out: intake, hub, and the SDK's track.
func chain(tb testing.TB) (*ingest.Intake, *far) {
	f := &far{}
	track, err := lksdk.NewLocalTrack(h264Codec)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := track.Bind(f); err != nil {
		tb.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	h := hub.New(hub.NewVectors(reg).Camera("yard"))
	intake := ingest.New(ingest.Options{
		Hub: h, Part: status.NewBoard(zap.NewNop(), reg).Add("yard", camera.Kind), Log: zap.NewNop(), Metrics: ingest.NewVectors(reg).Camera("yard"),
	})
	intake.Begin(camera.Format{Codec: camera.H264})
	packet := rtp.Packet{Header: rtp.Header{Version: 2}}
	tb.Cleanup(h.Attach(func(p camera.Packet) {
		packet.SequenceNumber++
		packet.Timestamp, packet.Marker, packet.Payload = p.Timestamp, p.Marker, p.Payload
		if err := track.WriteRTP(&packet, nil); err != nil {
			tb.Error(err)
		}
	}))
	return intake, f
}

// film is what a camera sends: 60 pictures of 12 packets of 1400 bytes.
type film struct {
	packets []camera.Packet
	at      int
	turn    uint32
}

func newFilm() *film {
	f := &film{}
	for n := range uint32(60) {
		kind := byte(1)
		if n == 0 {
			f.packets = append(f.packets, camera.Packet{Payload: []byte{0x67, 0x42, 0xc0, 0x1e}}, camera.Packet{Payload: []byte{0x68, 0xce, 0x3c, 0x80}})
			kind = 5
		}
		for part := range 12 {
			payload := make([]byte, 1400)
			payload[0], payload[1] = 0x7c, kind
			for i := range payload[2:] {
				payload[2+i] = 0x95
			}
			switch part {
			case 0:
				payload[1] |= 0x80
			case 11:
				payload[1] |= 0x40
			}
			f.packets = append(f.packets, camera.Packet{Payload: payload, Timestamp: n * 3000, Marker: part == 11})
		}
	}
	return f
}

func (f *film) next() camera.Packet {
	p := f.packets[f.at]
	p.Timestamp += f.turn
	if f.at++; f.at == len(f.packets) {
		f.at, f.turn = 0, f.turn+60*3000
	}
	return p
}

// settle plays until packets go straight through.
func (f *film) settle(i *ingest.Intake, out *far) {
	for range 20 * len(f.packets) {
		i.Packet(f.next())
		runtime.Gosched()
	}
}

// BenchmarkChain is what a packet of a camera costs on our way, from the source to where the WebRTC stack takes it.
func BenchmarkChain(b *testing.B) {
	intake, out := chain(b)
	f := newFilm()
	f.settle(intake, out)
	b.ReportAllocs()
	b.SetBytes(1400)
	for b.Loop() {
		intake.Packet(f.next())
	}
}

func TestAPacketCostsNoMemoryOnOurWay(t *testing.T) {
	intake, out := chain(t)
	f := newFilm()
	f.settle(intake, out)
	before := out.packets
	if n := testing.AllocsPerRun(10*len(f.packets), func() { intake.Packet(f.next()) }); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
	if out.packets == before {
		t.Error("no packet came out")
	}
}
