package rtsp_test

import (
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
)

var _ camera.Reporter = (*rtsp.Source)(nil)

// wantFacts checks that a report has all these lines.
func wantFacts(t *testing.T, r camera.Report, want ...camera.Fact) {
	t.Helper()
	has := map[camera.Fact]bool{}
	for _, f := range r.Facts {
		has[f] = true
		if strings.Contains(f.Value, "canary") {
			t.Errorf("the report has the password: %s: %s", f.Name, f.Value)
		}
	}
	for _, f := range want {
		if !has[f] {
			t.Errorf("no %s %q in %q", f.Name, f.Value, r.Facts)
		}
	}
	if strings.Contains(r.Answer, "canary") {
		t.Errorf("the answer has the password:\n%s", r.Answer)
	}
}

func TestAReportOfACamera(t *testing.T) {
	const sdp = "hello\r\n" + goodVideo + "a=x-link:rtsp://admin:" + password + "@10.0.0.9/live\r\na=x-other:" + password +
		"\r\nm=audio 0 RTP/AVP 0\r\na=control:trackID=2\r\na=sendonly\r\n"
	s := play(t, answers{
		base.Options: says("200 OK", "Public: PLAY, GET_PARAMETER", "Server: Hipcam RealServer/V1.0 "+password),
		base.Describe: func(r *base.Request) string {
			if len(r.Header["Authorization"]) == 0 {
				return reply(r, "401 Unauthorized", `WWW-Authenticate: Digest realm="cam", nonce="1"`)
			}
			return describes(r, sdp)
		},
		base.Setup: func(r *base.Request) string {
			return reply(r, "200 OK", "Session: 4711;timeout=20", "Transport: "+r.Header["Transport"][0])
		},
	})
	src := source(t, s.address, "/live", password)
	if r := src.Report(); len(r.Facts) > 0 || r.Answer != "" {
		t.Errorf("before the first attempt: %+v", r)
	}
	v, stop, ended := run(t, src)
	next(t, v.packets, ended)
	r := src.Report()
	wantFacts(
		t, r,
		camera.Fact{Name: camera.FactServer, Value: "Hipcam RealServer/V1.0 <secret>"},
		camera.Fact{Name: camera.FactLogin, Value: "Digest MD5"},
		camera.Fact{Name: camera.FactAddress, Value: "rtsp://" + s.address + "/live"},
		camera.Fact{Name: camera.FactMedia, Value: "video H264"},
		camera.Fact{Name: camera.FactMedia, Value: "audio G711, marked as a back channel"},
		camera.Fact{Name: camera.FactChosen, Value: "H264 as H.264"},
		camera.Fact{Name: camera.FactSets, Value: "2 in the description"},
		camera.Fact{Name: camera.FactRepaired, Value: "the description of the video (SDP)"},
		camera.Fact{Name: camera.FactTransport, Value: "TCP"},
		camera.Fact{Name: camera.FactSession, Value: "ends after 20s of silence"},
		camera.Fact{Name: camera.FactKeepalive, Value: "GET_PARAMETER every 10s"},
	)
	if !strings.HasPrefix(r.Answer, "hello\r\n"+goodVideo) {
		t.Errorf("the answer is\n%s", r.Answer)
	}
	stop()
	<-ended
}

func TestAReportOfARedirectToUDPWithoutLogin(t *testing.T) {
	target := onlyUDP(t, true)
	s := play(t, answers{base.Describe: says("302 Found", "Location: rtsp://"+target.address+"/moved")})
	src := sourceOf(t, "url: rtsp://"+s.address+"/live\ntransport: auto")
	v, stop, ended := run(t, src)
	next(t, v.packets, ended)
	wantFacts(
		t, src.Report(),
		camera.Fact{Name: camera.FactLogin, Value: "none"},
		camera.Fact{Name: camera.FactAddress, Value: "rtsp://" + target.address + "/moved"},
		camera.Fact{Name: camera.FactTransport, Value: "UDP"},
		camera.Fact{Name: camera.FactSession, Value: "not said; 60s by the standard"},
		camera.Fact{Name: camera.FactKeepalive, Value: "OPTIONS every 30s"},
	)
	stop()
	<-ended
}

// A report tells of the newest attempt, also when it failed; and any goroutine may ask for it.
func TestAReportOfAFailure(t *testing.T) {
	s := serveWith(t, func(g *gortsplib.Server) { g.AuthMethods = []auth.VerifyMethod{auth.VerifyMethodDigestSHA256} }, h264Format())
	src := source(t, s.address, "/live", "canary-wrong")
	for range 2 {
		_, _, ended := run(t, src)
		for asking := true; asking; {
			select {
			case err := <-ended:
				wantFault(t, err, camera.Auth)
				asking = false
			default:
				_ = src.Report()
			}
		}
		r := src.Report()
		wantFacts(t, r, camera.Fact{Name: camera.FactServer, Value: "gortsplib"}, camera.Fact{Name: camera.FactLogin, Value: "Digest SHA-256"})
		if len(r.Facts) != 2 {
			t.Errorf("the facts are %q", r.Facts)
		}
	}
}
