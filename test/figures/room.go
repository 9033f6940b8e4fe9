package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/livekit/protocol/auth"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/pion/webrtc/v4"
)

// A mediaServer is a livekit-server on loopback.
type mediaServer struct {
	*process
	http, media, stun int // ports
	secret            string
}

const apiKey = "figures"

func startMediaServer(ctx context.Context, binary string) (*mediaServer, error) {
	s := &mediaServer{http: freePort("tcp"), media: freePort("udp"), stun: freePort("udp"), secret: rand.Text() + rand.Text()}
	var err error
	if s.process, err = start([]string{"LIVEKIT_CONFIG=" + s.config()}, binary); err != nil {
		return nil, err
	}
	for range 100 {
		if response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d", s.http)); err == nil {
			return s, response.Body.Close()
		}
		if !retry.Sleep(ctx, 100*time.Millisecond) {
			break
		}
	}
	s.stop()
	return nil, s.failure("it does not answer")
}

// config keeps the server to loopback. Its STUN responder is what tells LiveKit's SDK, which does not look at that interface, about it.
func (s *mediaServer) config() string {
	return fmt.Sprintf(`
port: %[1]d
bind_addresses: ["127.0.0.1"]
keys: {%[4]s: %[5]s}
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
`, s.http, s.media, s.stun, apiKey, s.secret)
}

func (s *mediaServer) url() string { return fmt.Sprintf("ws://127.0.0.1:%d", s.http) }

// token lets somebody into a room.
func (s *mediaServer) token(room, identity string) (string, error) {
	grant := &auth.VideoGrant{RoomJoin: true, Room: room}
	return auth.NewAccessToken(apiKey, s.secret).SetIdentity(identity).SetVideoGrant(grant).SetValidFor(time.Hour).ToJWT()
}

// view joins a room and notes what arrives there.
func (s *mediaServer) view(room string, p *passage) (*lksdk.Room, error) {
	token, err := s.token(room, "viewer")
	if err != nil {
		return nil, err
	}
	subscribed := func(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		go func() {
			for {
				packet, _, err := track.ReadRTP()
				if err != nil {
					return // the room is over
				}
				p.arrive(packet.Payload, packet.Marker)
			}
		}()
	}
	callback := &lksdk.RoomCallback{ParticipantCallback: lksdk.ParticipantCallback{OnTrackSubscribed: subscribed}}
	viewer, err := lksdk.ConnectToRoomWithToken(s.url(), token, callback, lksdk.WithAutoSubscribe(true))
	if err != nil {
		return nil, fmt.Errorf("viewing %s: %w", room, err)
	}
	return viewer, nil
}

// freePort returns a port of loopback that was free a moment ago.
func freePort(network string) int {
	if network == "tcp" {
		l, err := net.Listen(network, "127.0.0.1:0")
		if err != nil {
			panic(err) // a machine without free ports measures nothing
		}
		defer func() { _ = l.Close() }()
		return portOf(l.Addr())
	}
	c, err := net.ListenPacket(network, "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer func() { _ = c.Close() }()
	return portOf(c.LocalAddr())
}

func portOf(a net.Addr) int {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.Port
	case *net.UDPAddr:
		return a.Port
	}
	return 0
}
