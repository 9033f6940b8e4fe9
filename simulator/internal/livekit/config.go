package livekit

import (
	"fmt"
	"net"
)

// ports are all that the server listens on.
type ports struct {
	http  int // TCP: signalling and the room service
	media int // UDP: all media of all participants
	stun  int // UDP: tells clients on this machine their address, see config
}

// freePorts returns ports of 127.0.0.1 that were free a moment ago.
func freePorts() (ports, error) {
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return ports{}, fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = tcp.Close() }()
	var udp [2]int
	for i := range udp {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return ports{}, fmt.Errorf("looking for a free port: %w", err)
		}
		defer func() { _ = conn.Close() }() // only at the end, so that the two differ
		udp[i] = conn.LocalAddr().(*net.UDPAddr).Port
	}
	return ports{http: tcp.Addr().(*net.TCPAddr).Port, media: udp[0], stun: udp[1]}, nil
}

// config returns the server's configuration. server-sdk-go gathers no candidate on the loopback interface by itself, so
// the built-in TURN server is on, as a STUN responder that tells it 127.0.0.1. tcp_port is off because the server would
// bind it on every interface.
func (s *Server) config() string {
	return fmt.Sprintf(`
port: %[1]d
bind_addresses: ["127.0.0.1"]
keys: {%[4]s: %[5]s}
logging: {level: warn, json: true}
rtc:
  node_ip: 127.0.0.1
  use_external_ip: false
  udp_port: %[2]d
  tcp_port: 0
  enable_loopback_candidate: true
  interfaces: {includes: [lo]}
  ips: {includes: ["127.0.0.1/32"]}
  stun_servers: ["127.0.0.1:%[3]d"]
turn: {enabled: true, udp_port: %[3]d, bind_addresses: ["127.0.0.1"]}
`, s.ports.http, s.ports.media, s.ports.stun, apiKey, s.secret)
}
