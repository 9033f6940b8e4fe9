// Package onviftest is ONVIF cameras for tests: each answers searches (WS-Discovery) over a real multicast socket and questions (SOAP) over a
// real HTTP server, and checks logins as cameras do. It shares no code with what it tests: where both read the standard wrongly, they have to
// do so independently.
package onviftest

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Login says how a camera wants its viewers to log in.
type Login int

// The ways.
const (
	Open   Login = iota // not at all
	Token               // by WS-Security's UsernameToken, fresh by the camera's own clock
	Digest              // by HTTP digest, with nonces that are used up after some requests
	Basic               // by HTTP Basic: with the password in clear text
)

// A Profile is a stream of a camera.
type Profile struct {
	Token, Name, Source   string
	Encoding              string // H264, H265, JPEG
	Width, Height         int
	Rate                  string
	URI                   string // HOST in it stands for the camera's own
	OnlyMedia2, OnlyMedia bool   // which of the services knows it; by default both do
}

// A Camera is what a test wants it to be.
type Camera struct {
	Endpoint                              string
	Scopes                                string
	Types                                 string                  // dn:NetworkVideoTransmitter by default
	XAddrs                                func(own string) string // what it says of where it can be asked; by default own, its true address
	Match                                 func(own string) []byte // all that it answers to a search, instead of a match
	Serve                                 http.Handler            // all that it answers to questions, instead of its services
	Login                                 Login                   //
	Username, Password                    string                  //
	Clock                                 time.Duration           // how far it is ahead of ours
	Manufacturer, Model, Firmware, Serial string                  //
	Profiles                              []Profile               //
	WithoutGetServices                    bool                    // an older one
	Prefix                                string                  // of SOAP's namespace; "s" by default
	Media2, Media                         func(own string) string // where it says that its media services are; by default at own
	TLS                                   bool                    // with a certificate that nobody knows
	NoMedia2, NoMedia                     bool                    // services that it does not have
	Forbidden                             string                  // an operation that not even the user may ask for
	Repeats                               int                     // answers to each search; 1 by default
}

// A Request is one that reached a camera.
type Request struct {
	Operation     string // "" if it was none
	Authorization string
	Body          string
	Host          string // that it was sent to
}

// A Server is a camera that runs.
type Server struct {
	Camera
	Host netip.Addr
	Own  string // the true address of its device service

	t      testing.TB
	mu     sync.Mutex
	seen   []Request
	probes int
	nonces map[string]int  // of HTTP digest: how often each was used
	tokens map[string]bool // nonces of tokens, which count once
}

// Start runs a camera at an address of the interface until the test ends. Its sockets belong to the network namespace of the calling thread.
func Start(t testing.TB, interfaceName string, host netip.Addr, c Camera) *Server {
	t.Helper()
	s := &Server{Camera: c, Host: host, t: t, nonces: map[string]int{}, tokens: map[string]bool{}}
	listener, err := net.Listen("tcp", netip.AddrPortFrom(host, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	s.Own = "http://" + netip.AddrPortFrom(host.WithZone(""), port).String() + "/onvif/device_service" // others may call the interface differently
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(s.serve), ErrorLog: log.New(io.Discard, "", 0)}}
	if c.TLS {
		s.Own = strings.Replace(s.Own, "http:", "https:", 1)
		server.StartTLS()
	} else {
		server.Start()
	}
	var running sync.WaitGroup
	stop := s.answerSearches(interfaceName, &running)
	t.Cleanup(func() {
		stop()
		server.Close()
		running.Wait()
	})
	return s
}

// Seen returns the requests so far.
func (s *Server) Seen() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Probes returns how many searches it heard.
func (s *Server) Probes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probes
}
