package rtsp_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
)

func TestFaults(t *testing.T) {
	plain := serve(t, h264Format())
	for name, tc := range map[string]struct {
		address, path, password string
		reason                  camera.Reason
		says                    []string
	}{
		"wrong password": {plain.address, "/live", "canary-wrong", camera.Auth, []string{"401", "check username and password"}},
		"no such path":   {plain.address, "/other", password, camera.NotFound, []string{"404", "check the path"}},
		"nobody listens": {deadAddress(t), "/live", password, camera.Unreachable, []string{"refused", "nothing listens on that port"}},
		"no such host":   {"no-such-camera.invalid", "/live", password, camera.Unreachable, []string{"check it, or use the camera's IP address"}},
		"VP9":            {serve(t, &format.VP9{PayloadTyp: 96}).address, "/live", password, camera.WrongCodec, []string{"offers VP9, and no H.264, H.265", "set the camera's stream to H.264"}},
		"hangs up":       {hangsUp(t, ""), "/live", password, camera.Closed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			src := source(t, tc.address, tc.path, tc.password)
			_, _, ended := run(t, src)
			wantFault(t, <-ended, tc.reason, append(tc.says, src.String())...)
		})
	}
}

func TestAnswersThatSayNo(t *testing.T) {
	const sdpOf = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=control:1\r\n"
	for name, tc := range map[string]struct {
		method base.Method
		answer func(*base.Request) string
		reason camera.Reason
		says   string
	}{
		"bad request":          {base.Describe, says("400 Bad Request"), camera.Protocol, "check the path"},
		"no password given":    {base.Describe, says("401 Unauthorized", `WWW-Authenticate: Basic realm="cam"`), camera.Auth, "set username and password"},
		"forbidden":            {base.Describe, says("403 Forbidden"), camera.Auth, "check the user's rights"},
		"not found at SETUP":   {base.Setup, says("404 Not Found"), camera.NotFound, "check the path"},
		"no parameter":         {base.Describe, says("451 Parameter Not Understood"), camera.Protocol, "451"},
		"no bandwidth":         {base.Setup, says("453 Not Enough Bandwidth"), camera.Busy, "too many viewers"},
		"no bandwidth at PLAY": {base.Play, says("453 Not Enough Bandwidth"), camera.Busy, "too many viewers"},
		"unavailable at first": {base.Options, says("503 Service Unavailable"), camera.Busy, "too many viewers"},
		"unavailable":          {base.Describe, says("503 Service Unavailable"), camera.Busy, "too many viewers"},
		"its own fault":        {base.Describe, says("500 Internal Server Error"), camera.Protocol, "restart the camera"},
		"no TCP":               {base.Setup, says("461 Unsupported Transport"), camera.Protocol, "use the other one, or auto"},
		"UDP instead":          {base.Setup, says("200 OK", "Session: 1", "Transport: RTP/AVP;unicast;client_port=2-3;server_port=4-5"), camera.Protocol, "use `transport: udp`"},
		"an empty description": {base.Describe, func(r *base.Request) string { return describes(r, "") }, camera.Protocol, "makes no sense"},
		"a page":               {base.Describe, func(r *base.Request) string { return describes(r, "<html>no</html>") }, camera.Protocol, "makes no sense"},
		"MPEG-4 and sound": {base.Describe, func(r *base.Request) string {
			return describes(r, sdpOf+"a=rtpmap:96 MP4V-ES/90000\r\nm=audio 0 RTP/AVP 0\r\n")
		}, camera.WrongCodec, "offers MPEG4Video, G711, and no H.264"},
		"a codec we do not know": {base.Describe, func(r *base.Request) string { return describes(r, sdpOf+"a=rtpmap:96 H266/90000\r\n") }, camera.WrongCodec, "offers H266, and"},
		"a video nowhere": {base.Describe, func(r *base.Request) string {
			return describes(r, strings.Replace(goodSDP, "trackID=1", "%zz", 1))
		}, camera.Protocol, `"%zz" for its video`},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, answers{tc.method: tc.answer})
			src := sourceOf(t, "url: rtsp://"+s.address+"/live")
			_, _, ended := run(t, src)
			wantFault(t, <-ended, tc.reason, tc.says, src.String())
		})
	}
}

func TestACameraThatKeepsSilent(t *testing.T) {
	s := play(t, answers{base.Describe: silence})
	_, _, ended := run(t, sourceOf(t, "url: rtsp://"+s.address+"/live\ntimeout: 1s"))
	wantFault(t, <-ended, camera.Unreachable, "timed out", "does not answer")
}

func TestACameraThatStopsSending(t *testing.T) {
	s := play(t, nil)
	_, _, ended := run(t, sourceOf(t, "url: rtsp://"+s.address+"/live\ntimeout: 1s"))
	wantFault(t, <-ended, camera.Stalled, "opening it again")
	s.wait(t, base.Teardown)
}

func TestConnectionsThatFailAreTold(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EHOSTUNREACH: "no way to that address", syscall.ENETUNREACH: "no way to that address",
		syscall.ECONNREFUSED: "nothing listens", os.ErrDeadlineExceeded: "nobody answers", syscall.EACCES: "can be reached from here",
	} {
		if got := rtsp.DiagnoseDial(&net.OpError{Op: "dial", Err: err}); !strings.Contains(got, want) {
			t.Errorf("%v: %s", err, got)
		}
	}
}

func wantFault(t *testing.T, err error, reason camera.Reason, says ...string) {
	t.Helper()
	if _, ok := errors.AsType[*camera.Fault](err); !ok || camera.ReasonOf(err) != reason {
		t.Fatalf("got %q of %v, want %q", camera.ReasonOf(err), err, reason)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error has the password: %v", err)
	}
}

// hangsUp starts a server that reads a request, says text and hangs up.
func hangsUp(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}
