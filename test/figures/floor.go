package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// A floor is a running relay, and the far end that it sends to.
type floor struct {
	*process
	sink *net.UDPConn
}

func startFloor(binary string, s *cameras, n int, p *passage) (*floor, error) {
	sink, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	_ = sink.SetReadBuffer(4 << 20) // as much of it as the kernel allows
	secret := make([]byte, 28)
	_, _ = rand.Read(secret) // never fails
	args := []string{"-to", sink.LocalAddr().String(), "-key", hex.EncodeToString(secret)}
	for i := range n {
		args = append(args, s.url(i))
	}
	context, err := srtp.CreateContext(secret[:16], secret[16:], srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		return nil, err
	}
	go receive(sink, context, p)
	f := &floor{sink: sink}
	if f.process, err = start(nil, binary, args...); err != nil {
		return nil, fmt.Errorf("starting the floor: %w", err)
	}
	return f, nil
}

// receive notes what arrives until the sink is closed.
func receive(sink *net.UDPConn, context *srtp.Context, p *passage) {
	buffer, plain := make([]byte, 2048), make([]byte, 0, 2048)
	for {
		n, err := sink.Read(buffer)
		if err != nil {
			return
		}
		var header rtp.Header
		size, err := header.Unmarshal(buffer[:n])
		if err != nil {
			continue
		}
		if plain, err = context.DecryptRTP(plain[:0], buffer[:n], &header); err == nil {
			p.arrive(plain[size:], header.Marker)
		}
	}
}

func (f *floor) port() int { return portOf(f.sink.LocalAddr()) }

func (f *floor) stop() {
	f.process.stop()
	_ = f.sink.Close()
}
