package rtsp_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/conn"
)

// script is a camera that answers each request as the test says, byte by byte: for what no RTSP library would send. What the test does not
// say, it answers well.
type script struct {
	address string
	answer  answers            // the whole text; "" is silence
	seen    chan *base.Request // all requests, in order
	deaf    atomic.Bool        // leaves connections open that the other side closes
	left    chan error         // how connections ended: io.EOF when the other side closed in order

	mu       sync.Mutex
	requests []*base.Request
}

type answers = map[base.Method]func(*base.Request) string

// play starts a camera by script.
func play(t *testing.T, own answers) *script {
	t.Helper()
	return playAt(t, "127.0.0.1:0", own)
}

func playAt(t *testing.T, address string, own answers) *script {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return playOn(t, l, own)
}

func playOn(t *testing.T, l net.Listener, own answers) *script {
	s := &script{address: l.Addr().String(), answer: own, seen: make(chan *base.Request, 1000), left: make(chan error, 1000)}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			go func() {
				err := s.serve(c)
				if !s.deaf.Load() {
					_ = c.Close()
				}
				s.left <- err
			}()
		}
	}()
	return s
}

func (s *script) serve(c net.Conn) error {
	requests := conn.NewConn(bufio.NewReader(c), c)
	for {
		what, err := requests.Read()
		if err != nil {
			return err
		}
		r, ok := what.(*base.Request)
		if !ok {
			continue // RTCP
		}
		s.mu.Lock()
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		s.seen <- r
		text := well(r)
		if own, ok := s.answer[r.Method]; ok {
			text = own(r)
		}
		if _, err := io.WriteString(c, text); err != nil {
			return err
		}
	}
}

// asked returns all requests so far.
func (s *script) asked(method base.Method) []*base.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*base.Request
	for _, r := range s.requests {
		if r.Method == method {
			found = append(found, r)
		}
	}
	return found
}

// wait returns the next request of a method.
func (s *script) wait(t *testing.T, method base.Method) *base.Request {
	t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case r := <-s.seen:
			if r.Method == method {
				return r
			}
		case <-late:
			t.Fatalf("no %s came", method)
		}
	}
}

const goodSDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=live\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" + goodVideo

const goodVideo = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
	"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAKNkAeAIn5YQAAAMABAAAAwDwPGDJIA==,aM48gA==\r\na=control:trackID=1\r\n"

// well answers as a camera should, and sends two pictures after PLAY.
func well(r *base.Request) string {
	switch r.Method {
	case base.Options:
		return reply(r, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
	case base.Describe:
		return describes(r, goodSDP)
	case base.Setup:
		return reply(r, "200 OK", "Session: 4711;timeout=60", "Transport: "+r.Header["Transport"][0])
	case base.Play:
		return reply(r, "200 OK", "Session: 4711") + interleaved(1, []byte{0x41, 1}) + interleaved(2, []byte{0x41, 2})
	}
	return reply(r, "200 OK")
}

// says answers every request of a kind alike.
func says(status string, headers ...string) func(*base.Request) string {
	return func(r *base.Request) string { return reply(r, status, headers...) }
}

func silence(*base.Request) string { return "" }

func reply(r *base.Request, status string, headers ...string) string {
	return strings.Join(append([]string{"RTSP/1.0 " + status, "CSeq: " + r.Header["CSeq"][0]}, headers...), "\r\n") + "\r\n\r\n"
}

func describes(r *base.Request, sdp string, headers ...string) string {
	headers = append(headers, "Content-Type: application/sdp", fmt.Sprintf("Content-Length: %d", len(sdp)))
	return reply(r, "200 OK", headers...) + sdp
}

// interleaved is a picture of one packet.
func interleaved(sequence uint16, payload []byte) string {
	packet := packet(sequence, payload)
	return "$\x00" + string(binary.BigEndian.AppendUint16(nil, uint16(len(packet)))) + string(packet)
}

func packet(sequence uint16, payload []byte) []byte {
	header := []byte{0x80, 0x80 | 96}
	header = binary.BigEndian.AppendUint16(header, sequence)
	header = binary.BigEndian.AppendUint32(header, uint32(sequence)*3000)
	header = binary.BigEndian.AppendUint32(header, 1) // SSRC
	return append(header, payload...)
}
