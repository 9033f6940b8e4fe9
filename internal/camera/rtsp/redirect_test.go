package rtsp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
)

// protected answers DESCRIBE only to who logs in.
func protected(r *base.Request) string {
	if len(r.Header["Authorization"]) == 0 {
		return reply(r, "401 Unauthorized", `WWW-Authenticate: Basic realm="cam"`)
	}
	return well(r)
}

func TestRedirects(t *testing.T) {
	target := play(t, answers{base.Describe: protected})
	for name, location := range map[string]string{
		"another port":   "rtsp://" + target.address + "/moved",
		"a doubled name": "rtsp://rtsp://" + target.address + "/moved",
		"no scheme":      target.address + "/moved",
		"capitals":       "RTSP://" + target.address + "/moved",
	} {
		for _, status := range []string{"301 Moved Permanently", "302 Found", "307 Temporary Redirect"} {
			t.Run(name+" "+status[:3], func(t *testing.T) {
				s := play(t, answers{base.Describe: says(status, "Location: "+location)})
				v, stop, ended := run(t, source(t, s.address, "/live", password))
				next(t, v.packets, ended)
				stop()
				<-ended
				if got := target.wait(t, base.Setup).URL.Path; got != "/moved/trackID=1" {
					t.Errorf("set up %s", got)
				}
				target.wait(t, base.Teardown)
			})
		}
	}
}

func TestARedirectToAnotherPath(t *testing.T) {
	s := play(t, answers{base.Describe: func(r *base.Request) string {
		if r.URL.Path == "/live" {
			return reply(r, "302 Found", "Location: /other")
		}
		return protected(r)
	}})
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	next(t, v.packets, ended)
	stop()
	<-ended
}

// Another host gets no password of ours; one that wants none is watched.
func TestARedirectToAnotherHost(t *testing.T) {
	open := playAt(t, "127.0.0.2:0", nil)
	s := play(t, answers{base.Describe: says("302 Found", "Location: rtsp://"+open.address+"/moved")})
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	next(t, v.packets, ended)
	stop()
	<-ended
	open.wait(t, base.Teardown)

	closed := playAt(t, "127.0.0.2:0", answers{base.Describe: protected})
	s.answer[base.Describe] = says("302 Found", "Location: rtsp://"+closed.address+"/moved")
	_, _, ended = run(t, source(t, s.address, "/live", password))
	wantFault(t, <-ended, camera.Auth, "rtsp://"+closed.address+"/moved", "write its address in the url")
	for _, r := range closed.requests {
		if len(r.Header["Authorization"]) > 0 {
			t.Errorf("it was told our password: %s", r)
		}
	}
}

// A camera that is known by a name may send us on by its address.
func TestARedirectToTheAddressOfTheSameHost(t *testing.T) {
	target := play(t, answers{base.Describe: protected})
	s := play(t, answers{base.Describe: says("302 Found", "Location: rtsp://"+target.address+"/moved")})
	_, port, _ := net.SplitHostPort(s.address)
	v, stop, ended := run(t, source(t, "localhost:"+port, "/live", password))
	next(t, v.packets, ended)
	stop()
	<-ended
}

func TestRedirectsThatAreNotFollowed(t *testing.T) {
	s := play(t, nil)
	s.answer = answers{base.Describe: says("302 Found", "Location: rtsp://"+s.address+"/again")}
	_, _, ended := run(t, source(t, s.address, "/live", password))
	wantFault(t, <-ended, camera.NotFound, "redirects more than 5 times")
	if n := len(s.asked(base.Describe)); n != rtsp.MaxHops+1 {
		t.Errorf("asked %d times", n)
	}
	// In a circle over two hosts.
	other := playAt(t, "127.0.0.2:0", answers{base.Describe: says("302 Found", "Location: rtsp://"+s.address+"/again")})
	s = play(t, answers{base.Describe: says("302 Found", "Location: rtsp://"+other.address+"/again")})
	other.answer[base.Describe] = says("302 Found", "Location: rtsp://"+s.address+"/again")
	_, _, ended = run(t, source(t, s.address, "/live", password))
	wantFault(t, <-ended, camera.NotFound, "redirects more than 5 times")
	for _, headers := range [][]string{nil, {"Location: rtsp://"}, {"Location: rtsp://a b/"}} {
		s := play(t, answers{base.Describe: says("302 Found", headers...)})
		_, _, ended := run(t, source(t, s.address, "/live", password))
		wantFault(t, <-ended, camera.NotFound, "names no address")
	}
}

// An address that the DHCP server gave away anew is found by asking again, at each attempt.
func TestANameIsLookedUpEachTime(t *testing.T) {
	first := play(t, nil)
	_, port, _ := net.SplitHostPort(first.address)
	moved := playAt(t, "127.0.0.2:"+port, nil)
	var address atomic.Pointer[netip.Addr]
	resolve(t, &address)

	src := source(t, "door.cameras.test:"+port, "/live", password)
	for ip, s := range map[string]*script{"127.0.0.1": first, "127.0.0.2": moved} {
		current := netip.MustParseAddr(ip)
		address.Store(&current)
		v, stop, ended := run(t, src)
		next(t, v.packets, ended)
		stop()
		<-ended
		if len(s.asked(base.Play)) != 1 {
			t.Errorf("the camera at %s was not asked", ip)
		}
	}
}

// resolve lets this process ask a name server that answers every question for an IPv4 address with what is then current.
func resolve(t *testing.T, current *atomic.Pointer[netip.Addr]) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	system := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() { net.DefaultResolver = system; _ = server.Close() })
	go func() {
		for query := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(nameAnswer(query[:n], *current.Load()), from)
		}
	}()
}

// nameAnswer answers a query of one question (RFC 1035 section 4).
func nameAnswer(query []byte, address netip.Addr) []byte {
	const header = 12
	end := header + bytes.IndexByte(query[header:], 0) + 1 // of the name
	kind := binary.BigEndian.Uint16(query[end:])
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[header:end+4]...)
	if kind == 1 { // A
		answer[7] = 1 // answers
		answer = append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4)
		answer = append(answer, address.AsSlice()...)
	}
	return answer
}
