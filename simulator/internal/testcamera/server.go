// Package testcamera is an RTSP server that plays clips in a loop and in real time, as a room full of IP cameras would.
//
// Each camera has one clock, whether anybody watches or not, and every viewer gets the same packets. TCP and UDP transport
// are both offered. Cameras can be told to have the bad habits of real ones: codecs that a room cannot show, names in the SDP that are not
// true, parameter sets in odd places, markers that lie. For fault tests a camera can be stalled, silenced, disconnected, taken down and
// given another password while it runs.
package testcamera

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// Options say where to listen and which cameras to play.
type Options struct {
	Listen  string // TCP address of RTSP; the default 127.0.0.1:0 takes a free port
	Cameras []Camera
}

// A Server plays the cameras until it is closed. Methods that take a name panic when no camera has it: that is a mistake
// in the test, not a condition to handle. All methods may be called from any goroutine.
type Server struct {
	rtsp    *gortsplib.Server
	address string
	ready   chan struct{} // closed when cameras may be looked up
	cameras map[string]*camera
	stop    chan struct{}
	players sync.WaitGroup
}

// Start listens and begins to play all cameras.
func Start(options Options) (*Server, error) {
	if err := check(options.Cameras); err != nil {
		return nil, err
	}
	if options.Listen == "" {
		options.Listen = "127.0.0.1:0"
	}
	s := &Server{ready: make(chan struct{}), cameras: map[string]*camera{}, stop: make(chan struct{})}
	if err := s.listen(options.Listen); err != nil {
		return nil, fmt.Errorf("test camera: listening on %s: %w", options.Listen, err)
	}
	s.address = s.rtsp.NetListener().Addr().String()
	packetizers := map[string]packetizer{}
	for _, settings := range options.Cameras {
		camera, err := newCamera(s.rtsp, settings)
		if err == nil {
			packetizers[settings.Name], err = camera.packetizer()
		}
		if err != nil {
			s.rtsp.Close()
			return nil, fmt.Errorf("test camera %s: %w", settings.Name, err)
		}
		s.cameras[settings.Name] = camera
	}
	close(s.ready)
	for name, camera := range s.cameras {
		s.players.Go(func() { camera.play(packetizers[name], s.stop) })
	}
	return s, nil
}

// URL returns the rtsp:// address of a camera, without credentials.
func (s *Server) URL(name string) string {
	return "rtsp://" + s.address + "/" + s.camera(name).Name
}

// Close ends all sessions and frees the ports.
func (s *Server) Close() {
	close(s.stop)
	s.players.Wait()
	s.rtsp.Close()
}

func (s *Server) camera(name string) *camera {
	camera, ok := s.cameras[name]
	if !ok {
		panic(fmt.Sprintf("no test camera is named %q", name))
	}
	return camera
}

// listen starts the RTSP server. RTP over UDP needs two neighbouring free ports, which nobody hands out, so it tries.
func (s *Server) listen(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	for range 20 {
		var even int
		if even, err = freeEvenPort(host); err != nil {
			return err
		}
		s.rtsp = &gortsplib.Server{
			Handler:        s,
			RTSPAddress:    address,
			UDPRTPAddress:  net.JoinHostPort(host, strconv.Itoa(even)),
			UDPRTCPAddress: net.JoinHostPort(host, strconv.Itoa(even+1)),
			WriteQueueSize: 1024, // a key frame of a 4K camera leaves in one burst
		}
		if err = s.rtsp.Start(); err == nil {
			return nil
		}
	}
	return err
}

// freeEvenPort returns an even UDP port that was free a moment ago.
func freeEvenPort(host string) (int, error) {
	conn, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().(*net.UDPAddr).Port &^ 1, nil
}

// OnDescribe answers a DESCRIBE request; gortsplib calls it.
func (s *Server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.admit(ctx.Conn, ctx.Request, ctx.Path)
}

// OnSetup answers a SETUP request; gortsplib calls it.
func (s *Server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.admit(ctx.Conn, ctx.Request, ctx.Path)
}

// OnPlay answers a PLAY request; gortsplib calls it.
func (s *Server) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	<-s.ready
	camera, ok := s.cameras[strings.Trim(ctx.Path, "/")]
	if !ok {
		return &base.Response{StatusCode: base.StatusNotFound}, nil
	}
	camera.addSession(ctx.Session, ctx.Conn)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnStreamWriteError is told that a viewer is too slow, which is the viewer's business; gortsplib calls it.
func (s *Server) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// OnSessionClose is told of the end of a session; gortsplib calls it.
func (s *Server) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	<-s.ready
	for _, camera := range s.cameras {
		camera.removeSession(ctx.Session)
	}
}

// admit checks that the camera exists, is up, and that the request carries its credentials.
func (s *Server) admit(conn *gortsplib.ServerConn, request *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	<-s.ready
	camera, ok := s.cameras[strings.Trim(path, "/")]
	if !ok {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	username, password, stream, down := camera.access()
	if down {
		return &base.Response{StatusCode: base.StatusServiceUnavailable}, nil, errors.New("the camera is down")
	}
	if username != "" && !conn.VerifyCredentials(request, username, password) {
		if len(request.Header["Authorization"]) > 0 {
			camera.refuse()
		}
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	return &base.Response{StatusCode: base.StatusOK}, stream, nil
}
