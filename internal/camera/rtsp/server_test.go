package rtsp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/pion/rtp"
)

const password = "canary-7f3a91@/:#"

var (
	sps = []byte{0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20}
	pps = []byte{0x68, 0xce, 0x3c, 0x80}
)

// server is an IP camera with one stream at /live that the user admin may see.
type server struct {
	*gortsplib.Server
	address string
	stream  *gortsplib.ServerStream
	medias  []*description.Media

	playing  chan struct{} // a viewer plays
	teardown chan struct{} // a viewer took its leave

	mu       sync.Mutex
	setups   int
	loggedIn []string // the Authorization headers
}

// serve starts a camera that offers the formats, each as a medium of its own.
func serve(t *testing.T, formats ...format.Format) *server {
	t.Helper()
	return serveWith(t, func(*gortsplib.Server) {}, formats...)
}

// serveWith starts one that the test sets up.
func serveWith(t *testing.T, set func(*gortsplib.Server), formats ...format.Format) *server {
	t.Helper()
	s := &server{playing: make(chan struct{}, 1), teardown: make(chan struct{}, 1)}
	s.Server = &gortsplib.Server{Handler: s, RTSPAddress: "127.0.0.1:0"}
	set(s.Server)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.address = s.NetListener().Addr().String()
	for _, f := range formats {
		kind := description.MediaTypeVideo
		if _, ok := f.(*format.G711); ok {
			kind = description.MediaTypeAudio
		}
		s.medias = append(s.medias, &description.Media{Type: kind, Formats: []format.Format{f}})
	}
	s.stream = &gortsplib.ServerStream{Server: s.Server, Desc: &description.Session{Medias: s.medias}}
	if err := s.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	return s
}

func h264Format() *format.H264 {
	return &format.H264{PayloadTyp: 96, SPS: sps, PPS: pps, PacketizationMode: 1}
}

func (s *server) admit(conn *gortsplib.ServerConn, request *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	switch {
	case !conn.VerifyCredentials(request, "admin", password) && !s.knows(request):
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	case strings.Trim(path, "/") != "live":
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

// knows checks a basic login, which gortsplib's server cannot do for a password with a colon.
func (s *server) knows(request *base.Request) bool {
	allowed := s.AuthMethods == nil || slices.Contains(s.AuthMethods, auth.VerifyMethodBasic)
	good := "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+password))
	return allowed && slices.Contains(request.Header["Authorization"], good)
}

func (s *server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.admit(ctx.Conn, ctx.Request, ctx.Path)
}

func (s *server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.Lock()
	s.setups++
	s.mu.Unlock()
	return s.admit(ctx.Conn, ctx.Request, ctx.Path)
}

func (s *server) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (s *server) OnRequest(_ *gortsplib.ServerConn, request *base.Request) {
	s.mu.Lock()
	s.loggedIn = append(s.loggedIn, request.Header["Authorization"]...)
	s.mu.Unlock()
	switch request.Method {
	case base.Teardown:
		tell(s.teardown)
	case base.Play:
		tell(s.playing)
	}
}

// logins returns the Authorization headers so far.
func (s *server) logins() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.loggedIn)
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// send sends one packet of the video to all viewers.
func (s *server) send(t *testing.T, sequence uint16, timestamp uint32, marker bool, payload []byte) {
	t.Helper()
	err := s.stream.WritePacketRTP(s.medias[len(s.medias)-1], &rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: sequence, Timestamp: timestamp, Marker: marker},
		Payload: payload,
	})
	if err != nil {
		t.Error(err)
	}
}

// source returns the client for a path of a server at address.
func source(t *testing.T, address, path, password string) *rtsp.Source {
	t.Helper()
	return sourceOf(t, "url: rtsp://"+address+path+"\nusername: admin\npassword: '"+password+"'")
}

// sourceOf returns the client for settings.
func sourceOf(t testing.TB, settings string) *rtsp.Source {
	t.Helper()
	c, err := rtsp.Decode(section(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	return rtsp.New(c)
}

// viewer is a camera.Receiver that keeps what it gets.
type viewer struct {
	begun   chan camera.Format
	packets chan camera.Packet
}

func newViewer() *viewer {
	return &viewer{make(chan camera.Format, 1), make(chan camera.Packet, 100)}
}

func (v *viewer) Begin(p camera.Format) { v.begun <- p }
func (v *viewer) Packet(p camera.Packet) {
	p.Payload = bytes.Clone(p.Payload)
	v.packets <- p
}

// run plays the camera in the background until the test ends.
func run(t *testing.T, s *rtsp.Source) (v *viewer, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	v = newViewer()
	go func() { done <- s.Run(ctx, v) }()
	t.Cleanup(cancel)
	return v, cancel, done
}

// next returns what comes from a viewer; it fails the test when the source ends instead.
func next[T any](t *testing.T, from chan T, ended <-chan error) T {
	t.Helper()
	select {
	case x := <-from:
		return x
	case err := <-ended:
		t.Fatalf("the source ended with %v", err)
	}
	panic("unreachable")
}

// deadAddress returns one where nobody listens, and which nobody else gets.
func deadAddress(t *testing.T) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
}
