package rtsp

import (
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/pion/rtp"
)

// forward returns what hands each packet of the client on to r.
func forward(codec camera.Codec, r camera.Receiver) func(*rtp.Packet) {
	if codec == camera.MJPEG {
		return (&assembler{to: r}).packet
	}
	var numbers sequence
	return func(p *rtp.Packet) {
		if lost, ok := numbers.accept(p.SequenceNumber, p.Timestamp); ok {
			r.Packet(camera.Packet{Payload: p.Payload, Timestamp: p.Timestamp, Marker: p.Marker, Lost: lost})
		}
	}
}

// assembler makes whole JPEG files of MJPEG (RFC 2435), whose packets leave out most of the file's header.
type assembler struct {
	to      camera.Receiver
	decoder rtpmjpeg.Decoder
	numbers sequence
	lost    int
}

func (a *assembler) packet(p *rtp.Packet) {
	lost, ok := a.numbers.accept(p.SequenceNumber, p.Timestamp)
	if !ok {
		return
	}
	a.lost += lost
	var file []byte
	// The decoder reads what strangers sent: a picture that makes it panic is as bad as one that it refuses, and no worse.
	err := guard.Run(func() (err error) { file, err = a.decoder.Decode(p); return err })
	if err != nil {
		return // mostly that there is more to come; a picture without its beginning is of no use
	}
	a.to.Packet(camera.Packet{Payload: file, Timestamp: p.Timestamp, Marker: true, Lost: a.lost})
	a.lost = 0
}

// guarded hands panics of f to caught.
func guarded(f func(*rtp.Packet), caught func(*guard.Panic)) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		defer guard.Catch(caught)
		f(p)
	}
}
