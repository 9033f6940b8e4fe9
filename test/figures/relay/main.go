// Command relay is the floor that the agent is measured against: what it costs to take RTP packets of cameras out of RTSP, cut those that are
// too large, encrypt them as WebRTC does, and send them over UDP. It does nothing else: no room, no repeats, no reports, no clock, no leases.
//
//	relay -to HOST:PORT -key HEX URL...
package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

func main() {
	to := flag.String("to", "", "where the packets go")
	key := flag.String("key", "", "the SRTP master key and salt for AES-128-GCM, in hex")
	flag.Parse()
	failed := make(chan error)
	for i, url := range flag.Args() {
		go func() { failed <- relay(url, *to, *key, uint32(i)) }()
	}
	fmt.Fprintln(os.Stderr, "relay:", <-failed)
	os.Exit(1)
}

// relay passes one camera on until something fails.
func relay(url, to, key string, source uint32) error {
	u, err := base.ParseURL(url)
	if err != nil {
		return err
	}
	protocol := gortsplib.ProtocolTCP
	client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &protocol, DisableRTCPSenderReports: true}
	if err := client.Start(); err != nil {
		return err
	}
	defer client.Close()
	session, _, err := client.Describe(u)
	if err != nil {
		return err
	}
	var h264Format *format.H264
	media := session.FindFormat(&h264Format)
	if media == nil {
		return errors.New("no H.264 at " + url)
	}
	if _, err := client.Setup(session.BaseURL, media, 0, 0); err != nil {
		return err
	}
	s, err := newSender(to, key, source)
	if err != nil {
		return err
	}
	client.OnPacketRTP(media, h264Format, s.forward)
	if _, err := client.Play(nil); err != nil {
		return err
	}
	return client.Wait()
}

// A sender sends the packets of one camera.
type sender struct {
	conn             net.Conn
	context          *srtp.Context
	cutter           *h264.Cutter
	header           rtp.Header
	marker           bool
	plain, encrypted []byte
}

func newSender(to, key string, source uint32) (*sender, error) {
	secret, err := hex.DecodeString(key)
	if err != nil || len(secret) != 28 {
		return nil, errors.New("the key has no 16 bytes with a salt of 12")
	}
	s := &sender{cutter: h264.NewCutter(camera.MaxPayload), plain: make([]byte, 1500), encrypted: make([]byte, 1500)}
	s.header = rtp.Header{Version: 2, PayloadType: 96, SSRC: source}
	if s.context, err = srtp.CreateContext(secret[:16], secret[16:], srtp.ProtectionProfileAeadAes128Gcm); err != nil {
		return nil, err
	}
	s.conn, err = net.Dial("udp", to)
	return s, err
}

func (s *sender) forward(p *rtp.Packet) {
	s.header.Timestamp, s.marker = p.Timestamp, p.Marker
	s.cutter.Cut(p.Payload, s.send)
}

func (s *sender) send(part []byte, last bool) {
	s.header.SequenceNumber++
	s.header.Marker = s.marker && last
	n, err := s.header.MarshalTo(s.plain)
	if err == nil {
		n += copy(s.plain[n:], part)
		s.encrypted, err = s.context.EncryptRTP(s.encrypted[:0], s.plain[:n], &s.header)
	}
	if err == nil {
		_, err = s.conn.Write(s.encrypted)
	}
	if err != nil {
		panic(err) // a floor with holes is none
	}
}
