package rtsp_test

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// onlyUDP is a camera that refuses TCP and sends a few pictures by UDP when it is played. It names the ports it sends from, or not.
func onlyUDP(t *testing.T, namesPorts bool) *script {
	t.Helper()
	return onlyUDPInOrder(t, namesPorts, 0, 1, 2, 3, 4)
}

// onlyUDPInOrder sends packets of these numbers.
func onlyUDPInOrder(t *testing.T, namesPorts bool, order ...uint16) *script {
	t.Helper()
	from, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = from.Close() })
	var to *net.UDPAddr
	return play(t, answers{
		base.Setup: func(r *base.Request) string {
			_, ports, byUDP := strings.Cut(r.Header["Transport"][0], "client_port=")
			if !byUDP {
				return reply(r, "461 Unsupported Transport")
			}
			first, _, _ := strings.Cut(ports, "-")
			port, _ := strconv.Atoi(first)
			to = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
			transport := "Transport: RTP/AVP;unicast;client_port=" + ports
			if own := from.LocalAddr().(*net.UDPAddr).Port; namesPorts {
				transport += ";server_port=" + strconv.Itoa(own) + "-" + strconv.Itoa(own+1)
			}
			return reply(r, "200 OK", "Session: 4711", transport)
		},
		base.Play: func(r *base.Request) string {
			for _, n := range order {
				_, _ = from.WriteTo(packet(n, []byte{0x41, byte(n)}), to)
			}
			return reply(r, "200 OK")
		},
	})
}

func TestTransports(t *testing.T) {
	for name, tc := range map[string]struct {
		camera *script
		asked  []string // for what SETUP asks, in order
	}{
		"tcp":                 {play(t, nil), []string{"RTP/AVP/TCP;unicast;interleaved=0-1"}},
		"auto, with TCP":      {play(t, nil), []string{"RTP/AVP/TCP;unicast;interleaved=0-1"}},
		"udp":                 {onlyUDP(t, true), []string{"RTP/AVP;unicast;client_port="}},
		"udp, without ports":  {onlyUDP(t, false), []string{"RTP/AVP;unicast;client_port="}},
		"auto, with UDP only": {onlyUDP(t, true), []string{"RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP;unicast;client_port="}},
	} {
		t.Run(name, func(t *testing.T) {
			transport, _, _ := strings.Cut(name, ",")
			v, stop, ended := run(t, sourceOf(t, "url: rtsp://"+tc.camera.address+"/live\ntransport: "+transport))
			next(t, v.packets, ended)
			stop()
			tc.camera.wait(t, base.Teardown)
			<-ended
			setups := tc.camera.asked(base.Setup)
			if len(setups) != len(tc.asked) || len(tc.camera.asked(base.Describe)) != 1 {
				t.Fatalf("%d SETUP and %d DESCRIBE", len(setups), len(tc.camera.asked(base.Describe)))
			}
			for i, want := range tc.asked {
				if got := setups[i].Header["Transport"][0]; !strings.HasPrefix(got, want) {
					t.Errorf("SETUP asks for %s, want %s", got, want)
				}
			}
		})
	}
}

// On their way, packets change places, come twice or not at all.
func TestPacketsThatTravelByUDP(t *testing.T) {
	order := []uint16{1, 3, 2, 2, 4, 4, 6, 5}
	for n := uint16(8); n < 90; n++ { // 7 is waited for, but not for ever
		order = append(order, n)
	}
	s := onlyUDPInOrder(t, true, order...)
	v, _, ended := run(t, sourceOf(t, "url: rtsp://"+s.address+"/live\ntransport: udp"))
	for want := byte(1); want < 20; want++ {
		lost := 0
		if want == 7 {
			want, lost = 8, 1
		}
		if p := next(t, v.packets, ended); p.Payload[1] != want || p.Lost != lost {
			t.Fatalf("got packet %d after %d lost, want %d after %d", p.Payload[1], p.Lost, want, lost)
		}
	}
}

func TestTransportsThatFail(t *testing.T) {
	tcp := onlyUDP(t, true)
	_, _, ended := run(t, sourceOf(t, "url: rtsp://"+tcp.address+"/live"))
	wantFault(t, <-ended, camera.Protocol, "461", "refuses `transport: tcp`")

	neither := play(t, answers{base.Setup: says("461 Unsupported Transport")})
	_, _, ended = run(t, sourceOf(t, "url: rtsp://"+neither.address+"/live\ntransport: auto"))
	wantFault(t, <-ended, camera.Protocol, "461")
	if n := len(neither.asked(base.Setup)); n != 2 {
		t.Errorf("%d SETUP, want one for each transport", n)
	}

	mute := onlyUDP(t, true)
	mute.answer[base.Play] = says("200 OK")
	_, _, ended = run(t, sourceOf(t, "url: rtsp://"+mute.address+"/live\ntransport: udp\ntimeout: 1s"))
	wantFault(t, <-ended, camera.Stalled, "no packet came by UDP")

	old := onlyUDP(t, true)
	old.answer[base.Describe] = func(r *base.Request) string {
		return describes(r, strings.Replace(goodSDP, "packetization-mode=1; ", "", 1))
	}
	_, _, ended = run(t, sourceOf(t, "url: rtsp://"+old.address+"/live\ntransport: udp"))
	wantFault(t, <-ended, camera.Protocol, "too large for UDP")
}
