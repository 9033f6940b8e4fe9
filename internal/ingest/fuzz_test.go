package ingest_test

import (
	"bytes"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
)

// customs is a hub that looks at what must hold whatever comes in.
type customs struct {
	t      *testing.T
	sliced bool // since the last marker
}

func (c *customs) Begin(camera.Parameters) { c.sliced = false }
func (c *customs) Interrupt()              { c.sliced = false }

func (c *customs) Packet(p camera.Packet) {
	if len(p.Payload) == 0 || len(p.Payload) > camera.MaxPayload {
		c.t.Fatalf("a payload of %d bytes", len(p.Payload))
	}
	content := h264.Look(p.Payload)
	if content.Has(h264.Invalid) {
		c.t.Fatalf("%x is no payload", p.Payload)
	}
	c.sliced = c.sliced || content.Has(h264.IDR|h264.Slice)
	if p.Marker && !c.sliced {
		c.t.Fatal("a marker on a picture without a slice")
	}
	c.sliced = c.sliced && !p.Marker
}

// FuzzIntake plays a camera of any codec that sends anything. A script is a row of packets: a byte of flags, one of length in units of
// 1, or of 64 for long ones, and the payload, which is repeated where the script is too short.
func FuzzIntake(f *testing.F) {
	f.Add([]byte{0, 2, 0x67, 0x42, 1, 2, 0x65, 0x88, 0x11, 3, 0x41, 0x9a, 2, 0x19, 40, 0x7c, 0x81, 0x9a})
	f.Add([]byte{0x80, 6, 0x40, 1, 12, 1, 0xff, 0xff, 1, 3, 0x62, 1, 0x93, 0x11, 3, 0x62, 1, 0x53, 1, 3, 0x02, 1, 0xd0})
	f.Add([]byte{0x44, 3, 0xff, 0xd8, 0xff})
	f.Add(append(append([]byte{0, byte(len(sps))}, sps...), 1, 3, 0x65, 0x88, 0x84, 3, 3, 0x41, 0x9f, 0x11, 0xa1, 0xff, 0x1c))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) == 0 {
			return
		}
		codecs := []camera.Codec{camera.H264, camera.H264, camera.H265, camera.MJPEG}
		policies := []string{config.TranscodeAuto, config.TranscodeAuto, config.TranscodeNever, config.TranscodeAlways}
		first := script[0]
		r := newRig(t, ingest.Options{Transcode: policies[first>>2&3], Encoders: encode.NewEncoders(ffmpeg.New("no-such-program", nil))})
		o := r.options
		o.Hub = &customs{t: t}
		i := ingest.New(o)
		i.Begin(camera.Format{Codec: codecs[first>>6], Sets: [][]byte{script}})
		timestamp := uint32(0)
		for len(script) >= 2 {
			flags, length := script[0], int(script[1])
			script = script[2:]
			body := script[:min(length, len(script))]
			script = script[len(body):]
			if flags&0x20 != 0 && len(body) > 0 {
				body = bytes.Repeat(body, 64)
			}
			timestamp += uint32(flags&3) * 1500
			i.Packet(camera.Packet{Payload: bytes.Clone(body), Timestamp: timestamp, Marker: flags&0x10 != 0, Lost: int(flags >> 3 & 1)})
			if flags == 0xe7 {
				i.Begin(camera.Format{Codec: codecs[length&3]})
			}
		}
	})
}
