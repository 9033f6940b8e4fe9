package rtsp_test

import (
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

func TestLogins(t *testing.T) {
	for name, tc := range map[string]struct {
		accepts []auth.VerifyMethod
		header  string // what the Authorization begins with, and holds
		holds   string
	}{
		"basic":   {[]auth.VerifyMethod{auth.VerifyMethodBasic}, "Basic ", ""},
		"MD5":     {[]auth.VerifyMethod{auth.VerifyMethodDigestMD5}, "Digest ", ""},
		"SHA-256": {[]auth.VerifyMethod{auth.VerifyMethodDigestSHA256}, "Digest ", "SHA-256"},
		"the best of all": {
			[]auth.VerifyMethod{auth.VerifyMethodBasic, auth.VerifyMethodDigestMD5, auth.VerifyMethodDigestSHA256}, "Digest ", "SHA-256",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveWith(t, func(g *gortsplib.Server) { g.AuthMethods = tc.accepts }, h264Format())
			v, stop, ended := run(t, source(t, s.address, "/live", password))
			next(t, v.begun, ended)
			<-s.playing
			stop()
			<-ended
			logins := s.logins()
			if len(logins) == 0 || !strings.HasPrefix(logins[0], tc.header) || !strings.Contains(logins[0], tc.holds) {
				t.Errorf("logged in with %q", logins)
			}
		})
		t.Run(name+", wrong", func(t *testing.T) {
			s := serveWith(t, func(g *gortsplib.Server) { g.AuthMethods = tc.accepts }, h264Format())
			_, _, ended := run(t, source(t, s.address, "/live", "canary-wrong"))
			wantFault(t, <-ended, camera.Auth, "401", "check username and password")
			if n := len(s.logins()); n != 1 {
				t.Errorf("tried %d times, want once: cameras lock the account after a few", n)
			}
		})
	}
}

// Cameras differ in what they protect; none may see a wrong password twice in one attempt.
func TestAWrongPasswordIsTriedOnce(t *testing.T) {
	challenge := says("401 Unauthorized", `WWW-Authenticate: Digest realm="cam", nonce="1"`, `WWW-Authenticate: Basic realm="cam"`)
	for name, answer := range map[string]answers{
		"at OPTIONS":  {base.Options: challenge, base.Describe: challenge},
		"at DESCRIBE": {base.Describe: challenge},
		"at SETUP":    {base.Setup: challenge},
		"auto":        {base.Setup: challenge},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, answer)
			settings := "url: rtsp://" + s.address + "/live\nusername: admin\npassword: canary-wrong"
			if name == "auto" {
				settings += "\ntransport: auto"
			}
			_, _, ended := run(t, sourceOf(t, settings))
			wantFault(t, <-ended, camera.Auth, "401")
			n := 0
			for _, method := range []base.Method{base.Options, base.Describe, base.Setup, base.Play, base.Teardown} {
				for _, r := range s.asked(method) {
					if len(r.Header["Authorization"]) > 0 {
						n++
					}
				}
			}
			if n != 1 {
				t.Errorf("tried %d times", n)
			}
		})
	}
}

func TestALoginOfAnUnknownKind(t *testing.T) {
	s := play(t, answers{base.Describe: says("401 Unauthorized", "WWW-Authenticate: Negotiate")})
	_, _, ended := run(t, source(t, s.address, "/live", password))
	wantFault(t, <-ended, camera.Auth, "a login of a kind we do not know")
}

func TestAListOfMethodsBehindALogin(t *testing.T) {
	s := play(t, answers{base.Options: protected, base.Describe: protected})
	v, _, ended := run(t, source(t, s.address, "/live", password))
	next(t, v.packets, ended)
	if asked := s.asked(base.Options); len(asked) != 2 || len(asked[1].Header["Authorization"]) != 1 {
		t.Errorf("asked %v; the list says how to keep the session", asked)
	}
}

// What every request has and has not.
func TestRequests(t *testing.T) {
	const talkBack = "m=audio 0 RTP/AVP 0\r\na=control:trackID=2\r\na=sendonly\r\n"
	for name, sdp := range map[string]string{
		"with sound":             goodSDP + "m=audio 0 RTP/AVP 0\r\na=control:trackID=2\r\n",
		"with talk-back":         goodSDP + talkBack,
		"talk-back first":        strings.Replace(goodSDP, "m=video", talkBack+"m=video", 1),
		"video marked talk-back": goodSDP + "a=sendonly\r\nm=audio 0 RTP/AVP 0\r\na=recvonly\r\na=control:trackID=2\r\n",
		"two videos":             strings.Replace(goodSDP, "m=video", "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=control:trackID=3\r\nm=video", 1),
		"a video towards it":     strings.Replace(goodSDP, "m=video", strings.Replace(goodVideo, "a=control:trackID=1", "a=sendonly\r\na=control:trackID=4", 1)+"m=video", 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, answers{base.Describe: func(r *base.Request) string {
				if len(r.Header["Authorization"]) == 0 {
					return reply(r, "401 Unauthorized", `WWW-Authenticate: Basic realm="cam"`)
				}
				return describes(r, sdp)
			}})
			v, stop, ended := run(t, source(t, s.address, "/live?a=1&b=2", password))
			next(t, v.packets, ended)
			stop()
			s.wait(t, base.Teardown)
			<-ended
			if setups := s.asked(base.Setup); len(setups) != 1 || !strings.HasSuffix(setups[0].URL.String(), "/trackID=1") {
				t.Errorf("set up %v", setups)
			}
			for _, r := range s.requests {
				if r.URL.User != nil || len(r.Header["Require"]) > 0 || len(r.Header["User-Agent"]) != 1 {
					t.Errorf("the request %s", r)
				}
			}
		})
	}
}
