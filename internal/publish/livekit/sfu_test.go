package livekit

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// patience is when a wait counts as failed. It is no measure of speed.
const patience = 60 * time.Second

// eventually waits until ok, and fails the test when that never comes. It is for things that happen in another process.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// An sfu is a real livekit-server that uses the loopback interface only. `make test` builds it.
type sfu struct {
	t    *testing.T
	port int
}

const (
	sfuKey    = "test"
	sfuSecret = "a secret for tests, and for nothing else" // the server wants 32 characters
)

// startSFU runs a server until the test ends. settings is YAML that is added to its configuration.
func startSFU(t *testing.T, settings string) *sfu {
	t.Helper()
	program, err := filepath.Abs(cmp.Or(os.Getenv("LIVEKIT_SERVER"), filepath.Join("..", "..", "..", ".cache", "livekit-server")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v; run make test, which builds what is missing, or set LIVEKIT_SERVER", err)
	}
	for range 3 { // somebody else may take a port between the choice and the use of it
		if s := tryStartSFU(t, program, settings); s != nil {
			return s
		}
	}
	t.Fatal("livekit-server does not start")
	return nil
}

func tryStartSFU(t *testing.T, program, settings string) *sfu {
	t.Helper()
	s := &sfu{t: t}
	var media, stun int
	s.port, media, stun = freePorts(t)
	server := exec.Command(program)
	server.Env = append(os.Environ(), "LIVEKIT_CONFIG="+fmt.Sprintf(sfuSettings, s.port, media, stun, sfuKey, sfuSecret)+settings)
	server.Stdout, server.Stderr = t.Output(), t.Output()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		ended <- <-ended
	})
	running := true
	eventually(t, "livekit-server answers", func() bool {
		select {
		case err := <-ended:
			ended <- err
			running = false
			return true
		default:
		}
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d", s.port))
		if err != nil {
			return false
		}
		return response.Body.Close() == nil
	})
	if !running {
		return nil
	}
	return s
}

// sfuSettings has the server's STUN responder on, because LiveKit's SDK gathers no candidate on loopback by itself.
const sfuSettings = `
port: %[1]d
bind_addresses: ["127.0.0.1"]
keys: {%[4]s: %[5]q}
logging: {level: error}
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
`

// freePorts returns a TCP port and two UDP ports of 127.0.0.1 that were free a moment ago.
func freePorts(t *testing.T) (tcp, udp, other int) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var conns [2]net.PacketConn
	for i := range conns {
		if conns[i], err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conns[i].Close() }() // only at the end, so that the two differ
	}
	port := func(c net.PacketConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
	return listener.Addr().(*net.TCPAddr).Port, port(conns[0]), port(conns[1])
}

// grant lets somebody into the room named like the test.
func (s *sfu) grant(identity string) overshoot.Grant {
	s.t.Helper()
	pass := &auth.VideoGrant{Room: s.t.Name(), RoomJoin: true}
	token, err := auth.NewAccessToken(sfuKey, sfuSecret).SetIdentity(identity).SetValidFor(time.Hour).SetVideoGrant(pass).ToJWT()
	if err != nil {
		s.t.Fatal(err)
	}
	return overshoot.Grant{URL: fmt.Sprintf("ws://127.0.0.1:%d", s.port), Token: token}
}

// in is the same server for another test, whose room is another.
func (s *sfu) in(t *testing.T) *sfu { return &sfu{t: t, port: s.port} }
