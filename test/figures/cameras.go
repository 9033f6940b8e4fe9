package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// cameras are an RTSP server that plays one clip as any number of cameras, each from another place in it, and never two at the same moment.
type cameras struct {
	server  *gortsplib.Server
	streams map[string]*gortsplib.ServerStream
	passage *passage
	unsent  atomic.Int64 // packets for which there was no room: the machine stood still
	stop    chan struct{}
	players sync.WaitGroup
}

func startCameras(n int, c *clip, p *passage) (*cameras, error) {
	s := &cameras{streams: map[string]*gortsplib.ServerStream{}, passage: p, stop: make(chan struct{})}
	s.server = &gortsplib.Server{Handler: s, RTSPAddress: "127.0.0.1:0", WriteQueueSize: 1024}
	if err := s.server.Start(); err != nil {
		return nil, fmt.Errorf("starting the cameras: %w", err)
	}
	for i := range n {
		media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{c.format()}}
		stream := &gortsplib.ServerStream{Server: s.server, Desc: &description.Session{Medias: []*description.Media{media}}}
		if err := stream.Initialize(); err != nil {
			s.close()
			return nil, fmt.Errorf("starting camera %d: %w", i, err)
		}
		s.streams[fmt.Sprintf("cam-%d", i+1)] = stream
		s.players.Go(func() { s.play(stream, c, float64(i)/float64(n)) })
	}
	return s, nil
}

// play sends a picture at every tick of the camera's clock. shift is 0 to 1: where in the clip, and in its tick, the camera begins.
func (s *cameras) play(stream *gortsplib.ServerStream, c *clip, shift float64) {
	const tick = time.Second / picturesPerSecond
	start := time.Now().Add(time.Duration(shift * float64(tick)))
	at := int(shift * float64(len(c.pictures)))
	timestamp, sequence := rand.Uint32(), uint16(rand.Uint32())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		timer.Reset(time.Until(start.Add(time.Duration(n) * tick)))
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		for _, p := range c.pictures[(at+n)%len(c.pictures)] {
			packet := rtp.Packet{Header: p.Header, Payload: p.Payload}
			packet.SequenceNumber, packet.Timestamp = sequence, timestamp+uint32(n*clockRate/picturesPerSecond)
			sequence++
			s.passage.send(p.number)
			_ = stream.WritePacketRTP(stream.Desc.Medias[0], &packet) // fails when the stream is closed, and then play ends as well
		}
	}
}

func (s *cameras) port() int { return portOf(s.server.NetListener().Addr()) }

func (s *cameras) url(n int) string { return fmt.Sprintf("rtsp://127.0.0.1:%d/cam-%d", s.port(), n+1) }

func (s *cameras) close() {
	close(s.stop)
	s.players.Wait()
	s.server.Close()
}

// OnDescribe answers a DESCRIBE request; gortsplib calls it.
func (s *cameras) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.find(ctx.Path)
}

// OnSetup answers a SETUP request; gortsplib calls it.
func (s *cameras) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.find(ctx.Path)
}

// OnPlay answers a PLAY request; gortsplib calls it.
func (s *cameras) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnStreamWriteError is told of a packet that could not be sent; gortsplib calls it.
func (s *cameras) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) { s.unsent.Add(1) }

func (s *cameras) find(path string) (*base.Response, *gortsplib.ServerStream, error) {
	stream, ok := s.streams[strings.Trim(path, "/")]
	if !ok {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, stream, nil
}
