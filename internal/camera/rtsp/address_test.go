package rtsp_test

import (
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
)

func address(t *testing.T, text string) *base.URL {
	t.Helper()
	u, err := base.ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// What cameras name as the base of their media, after we asked rtsp://admin:secret@10.0.0.5:8554/live?x=1.
func TestBases(t *testing.T) {
	asked := address(t, "rtsp://admin:secret@10.0.0.5:8554/live?x=1")
	for said, want := range map[string]string{
		"rtsp://10.0.0.5:8554/live/":                "/live/",
		"rtsp://10.0.0.5/live/":                     "/live/",           // without the port
		"rtsp://192.168.7.7:554/live/":              "/live/",           // its address behind NAT
		"rtsps://10.0.0.5/live/":                    "/live/",           // another scheme
		"rtsp://rtsp://door.lan:554/stream1/":       "/stream1/",        // a doubled scheme
		"RTSP://10.0.0.5/live/":                     "/live/",           //
		"rtsp://::ffff:192.168.1.1/onvif/profile1/": "/onvif/profile1/", // IPv6 without brackets
		"192.168.2.2:1935/":                         "/",                // no scheme
		"192.168.2.2/live":                          "/live",            //
		"10.0.0.5":                                  "",                 //
		"/live/":                                    "/live/",           // relative
		"live/":                                     "/live/",           //
		" \"rtsp://10.0.0.5/live/\" ":               "/live/",           // quoted
		"rtsp://10.0.0.5/live?x=1&y=2":              "/live?x=1&y=2",    // with a query
		"rtsp://10.0.0.5/live/#1":                   "/live/",           // with a fragment
		"rtsp://10.0.0.5":                           "",                 // without a path
		"rtsp://admin:other@10.0.0.5/live/":         "/live/",           // with credentials
	} {
		got := rtsp.Rebased(said, asked)
		if got == nil || got.String() != "rtsp://admin:secret@10.0.0.5:8554"+want {
			t.Errorf("%s: got %s, want the path %s", said, got, want)
		}
	}
	if got := rtsp.Rebased("door/live", address(t, "rtsp://door:8554/x")); got.String() != "rtsp://door:8554/live" {
		t.Errorf("got %s of a host without dots", got)
	}
	if got := rtsp.Rebased("rtsp://10.0.0.5/%zz", asked); got != nil {
		t.Errorf("got %s of nonsense", got)
	}
}

func TestPlacesOfRedirects(t *testing.T) {
	asked := address(t, "rtsp://admin:secret@10.0.0.5:8554/live")
	for said, want := range map[string]string{
		"rtsp://10.0.0.6/live":         "rtsp://admin:secret@10.0.0.6/live",
		"rtsps://10.0.0.6:322/a?b=c":   "rtsps://admin:secret@10.0.0.6:322/a?b=c",
		"rtsp://rtsps://10.0.0.6/live": "rtsps://admin:secret@10.0.0.6/live",
		"10.0.0.6:554/live":            "rtsp://admin:secret@10.0.0.6:554/live",
		"/other":                       "rtsp://admin:secret@10.0.0.5:8554/other",
		"rtsp://x:y@10.0.0.6/live":     "rtsp://admin:secret@10.0.0.6/live",
		"http://10.0.0.6/live":         "",
		"":                             "",
		"rtsp://":                      "",
	} {
		got := ""
		if u := rtsp.Redirected(said, asked); u != nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", said, got, want)
		}
	}
}

// The same on the wire: what SETUP, PLAY and TEARDOWN ask for. control is that of the video.
func TestAddressesOfRequests(t *testing.T) {
	for name, tc := range map[string]struct{ path, contentBase, session, control, setup, play string }{
		"as it should be":       {"/live", "rtsp://HOST/live/", "", "trackID=1", "/live/trackID=1", "/live/"},
		"no base":               {"/live", "", "", "trackID=1", "/live/trackID=1", "/live"},
		"no slash":              {"/live", "rtsp://HOST/live", "", "trackID=1", "/live/trackID=1", "/live"},
		"no host":               {"/live", "/live/", "", "trackID=1", "/live/trackID=1", "/live/"},
		"nonsense":              {"/live", "rtsp://HOST/%zz/", "", "trackID=1", "/live/trackID=1", "/live"},
		"absolute":              {"/live", "rtsp://HOST/live/", "", "rtsp://192.168.7.7/live/trackID=1", "/live/trackID=1", "/live/"},
		"another host":          {"/live", "rtsp://192.168.7.7/live/", "", "trackID=1", "/live/trackID=1", "/live/"},
		"for the session":       {"/live", "", "rtsp://192.168.7.7/all/", "trackID=1", "/all/trackID=1", "/all/"},
		"a star":                {"/live", "rtsp://HOST/live/", "*", "trackID=1", "/live/trackID=1", "/live/"},
		"relative, of all":      {"/live", "rtsp://HOST/live/", "live", "trackID=1", "/live/trackID=1", "/live/"},
		"no control":            {"/live", "rtsp://HOST/live/", "", "", "/live/", "/live/"},
		"a query":               {"/live?user=a&ch=1", "", "", "trackID=1", "/live?user=a&ch=1/trackID=1", "/live?user=a&ch=1"},
		"a query, and a base":   {"/live?ch=1", "rtsp://HOST/live?ch=1", "", "trackID=1", "/live?ch=1/trackID=1", "/live?ch=1"},
		"a query as control":    {"/live", "rtsp://HOST/live", "", "?ctype=video", "/live?ctype=video", "/live"},
		"a slash too many":      {"/live", "rtsp://HOST/live/", "", "/trackID=1", "/live//trackID=1", "/live/"},
		"escapes":               {"/li%20ve%2F1", "", "", "trackID=1", "/li%20ve%2F1/trackID=1", "/li%20ve%2F1"},
		"a fragment":            {"/live#t", "", "", "trackID=1", "/live/trackID=1", "/live"},
		"a question mark alone": {"/live?", "", "", "trackID=1", "/live?/trackID=1", "/live?"},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, nil)
			s.answer = answers{base.Describe: func(r *base.Request) string {
				sdp := strings.Replace(goodSDP, "a=control:trackID=1\r\n", "", 1)
				if tc.control != "" {
					sdp += "a=control:" + tc.control + "\r\n"
				}
				if tc.session != "" {
					sdp = strings.Replace(sdp, "t=0 0\r\n", "t=0 0\r\na=control:"+tc.session+"\r\n", 1)
				}
				var headers []string
				if tc.contentBase != "" {
					headers = []string{"Content-Base: " + strings.Replace(tc.contentBase, "HOST", s.address, 1)}
				}
				return describes(r, sdp, headers...)
			}}
			v, stop, ended := run(t, source(t, s.address, tc.path, password))
			next(t, v.packets, ended)
			stop()
			s.wait(t, base.Teardown)
			<-ended
			path, _, _ := strings.Cut(tc.path, "#")
			for method, want := range map[base.Method]string{base.Describe: path, base.Setup: tc.setup, base.Play: tc.play, base.Teardown: tc.play} {
				if got := s.asked(method)[0].URL.String(); got != "rtsp://"+s.address+want {
					t.Errorf("%s %s, want the path %s", method, got, want)
				}
			}
		})
	}
}
