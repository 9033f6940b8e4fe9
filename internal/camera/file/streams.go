package file

import (
	"errors"
	"io"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A pieces reads a file that is written in one stream, piece by piece, into something that finds pictures.
type pieces struct {
	in    io.Reader
	write func([]byte) error // finds the pictures of the next piece
	flush func()             // finds the last one
	codec func() camera.Codec

	buffer []byte
	queue  []frame // that were found, with their own data
	spare  []frame
	ended  bool
}

func (p *pieces) format() camera.Format { return camera.Format{Codec: p.codec()} }

func (p *pieces) next() (frame, error) {
	for len(p.queue) == 0 {
		if p.ended {
			return frame{}, io.EOF
		}
		if err := p.read(); err != nil {
			return frame{}, err
		}
	}
	f := p.queue[0]
	p.queue = p.queue[1:]
	p.spare = append(p.spare, f)
	return f, nil
}

func (p *pieces) read() error {
	if p.buffer == nil {
		p.buffer = make([]byte, 64<<10)
	}
	n, err := p.in.Read(p.buffer)
	if writing := p.write(p.buffer[:n]); writing != nil {
		return writing
	}
	if errors.Is(err, io.EOF) {
		p.ended = true
		p.flush()
		return nil
	}
	return err
}

// found takes a picture, which it copies.
func (p *pieces) found(f frame) {
	if n := len(p.spare); n > 1 { // the newest may be in use
		f.data, p.spare = append(p.spare[0].data[:0], f.data...), p.spare[1:]
	} else {
		f.data = append([]byte(nil), f.data...)
	}
	p.queue = append(p.queue, f)
}

// newTS reads MPEG-TS.
func newTS(in io.Reader) clip {
	p := &pieces{in: in}
	d := bytestream.NewDemuxer(func(found bytestream.Picture) {
		p.found(frame{data: found.Data, key: found.Key, lost: found.Lost, show: found.Stamp.Show, decode: found.Stamp.Decode})
	})
	p.write, p.flush, p.codec = d.Write, d.Flush, d.Codec
	return p
}

const (
	usualFPS = 25      // of a clip that does not say, as ffmpeg has it
	headSize = 1 << 20 // in which a byte stream shows what it is
)

// newStream reads a byte stream. It plays at fps, or where that is 0 as fast as the stream says.
func newStream(in io.ReaderAt, fps float64) (clip, error) {
	head := make([]byte, headSize)
	n, err := in.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	codec := bytestream.CodecOf(head[:n])
	if codec == "" {
		codec = camera.H264
	}
	if fps == 0 {
		fps = rateOf(codec, head[:n])
	}
	p := &pieces{in: io.NewSectionReader(in, 0, 1<<62), codec: func() camera.Codec { return codec }}
	pace := pace{fps: fps}
	s := bytestream.NewSplitter(codec, func(found bytestream.Picture) {
		at := pace.next()
		p.found(frame{data: found.Data, key: found.Key, lost: found.Lost, show: at, decode: at})
	})
	p.write = func(piece []byte) error { s.Write(piece, bytestream.Stamp{}); return nil }
	p.flush = s.Flush
	return p, nil
}

// rateOf returns how many pictures a second H.264 says it has.
func rateOf(codec camera.Codec, head []byte) float64 {
	fps := float64(usualFPS)
	if codec != camera.H264 {
		return fps
	}
	h264.EachAnnexB(head, func(unit []byte) {
		if unit[0]&0x1f != h264.TypeSPS {
			return
		}
		if f, err := h264.ParseSPS(unit); err == nil && f.FPS > 0 && f.FPS <= maxFPS {
			fps = f.FPS
		}
	})
	return fps
}

// A pace gives even times, without drift for any rate.
type pace struct {
	fps float64
	n   int64
}

func (p *pace) next() int64 {
	at := int64(float64(p.n) * hertz / p.fps)
	p.n++
	return at
}
