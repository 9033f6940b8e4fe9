package rtsp_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// The client sends keepalives 5 s before the session would end; the interval that we want is told to it in the answers it reads.
func TestIntervals(t *testing.T) {
	seconds := func(n int) config.Duration { return config.Duration(time.Duration(n) * time.Second) }
	for name, tc := range map[string]struct {
		keepalive   rtsp.Keepalive
		setup, play string // the Session headers of the camera
		want        string // what the client reads at PLAY
	}{
		"half the time":       {rtsp.Keepalive{}, "4711;timeout=60", "4711;timeout=60", "4711;timeout=35"},
		"with a space":        {rtsp.Keepalive{}, "4711; timeout=20", "4711; timeout=20", "4711;timeout=15"},
		"said once":           {rtsp.Keepalive{}, "4711;timeout=20", "4711", "4711;timeout=15"},
		"in quotes, capitals": {rtsp.Keepalive{}, `4711;Timeout="20"`, "4711", "4711;timeout=15"},
		"not said":            {rtsp.Keepalive{}, "4711", "4711", "4711;timeout=35"},
		"no number":           {rtsp.Keepalive{}, "4711;timeout=never", "4711", "4711;timeout=35"},
		"more than a number":  {rtsp.Keepalive{}, "4711;timeout=99999999999999999999", "4711", "4711;timeout=35"},
		"nothing":             {rtsp.Keepalive{}, "4711;timeout=0", "4711", "4711;timeout=35"},
		"very short":          {rtsp.Keepalive{}, "4711;timeout=1", "4711", "4711;timeout=6"},
		"other parameters":    {rtsp.Keepalive{}, "4711;a=b;timeout=20;c", "4711", "4711;timeout=15"},
		"set":                 {rtsp.Keepalive{Interval: seconds(7)}, "4711;timeout=60", "4711", "4711;timeout=12"},
		"off":                 {rtsp.Keepalive{Method: rtsp.Off}, "4711;timeout=60", "4711", "4711;timeout=315360005"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := func(session string) *base.Response {
				return &base.Response{StatusCode: 200, Header: base.Header{"Session": {session}}}
			}
			play := answer(tc.play)
			rtsp.Mended(
				tc.keepalive, rtsp.Exchange{Request: request(base.Setup), Response: answer(tc.setup)},
				rtsp.Exchange{Request: request(base.Play), Response: play},
			)
			if got := play.Header["Session"]; !slices.Equal(got, base.HeaderValue{tc.want}) {
				t.Errorf("the client reads %q, want %q", got, tc.want)
			}
		})
	}
}

func request(method base.Method) *base.Request {
	return &base.Request{Method: method, Header: base.Header{"CSeq": {"1"}}}
}

func TestAnOldAnswerChangesNothing(t *testing.T) {
	late := &base.Response{StatusCode: 404, Header: base.Header{"CSeq": {"7"}}}
	rtsp.Mended(rtsp.Keepalive{}, rtsp.Exchange{Request: request(base.Options), Response: late})
	if late.StatusCode != 404 {
		t.Error("it was taken for the answer to the newest request")
	}
}

// The client sends GET_PARAMETER when it reads one list of methods that has it.
func TestMethods(t *testing.T) {
	for name, tc := range map[string]struct {
		method rtsp.KeepaliveMethod
		public base.HeaderValue
		want   base.HeaderValue
	}{
		"as advertised":         {rtsp.Advertised, base.HeaderValue{"PLAY, GET_PARAMETER"}, base.HeaderValue{"PLAY, GET_PARAMETER"}},
		"in two lines":          {rtsp.Advertised, base.HeaderValue{"PLAY", "GET_PARAMETER"}, base.HeaderValue{"PLAY,GET_PARAMETER"}},
		"in small letters":      {rtsp.Advertised, base.HeaderValue{"get_parameter"}, base.HeaderValue{"GET_PARAMETER"}},
		"not advertised":        {rtsp.Advertised, nil, nil},
		"set to OPTIONS":        {rtsp.Options, base.HeaderValue{"GET_PARAMETER"}, nil},
		"set to GET_PARAMETER":  {rtsp.GetParameter, base.HeaderValue{"PLAY"}, base.HeaderValue{"GET_PARAMETER"}},
		"set, and no list come": {rtsp.GetParameter, nil, base.HeaderValue{"GET_PARAMETER"}},
	} {
		r := &base.Response{StatusCode: 200, Header: base.Header{}}
		if tc.public != nil {
			r.Header["Public"] = tc.public
		}
		rtsp.Mended(rtsp.Keepalive{Method: tc.method}, rtsp.Exchange{Request: request(base.Options), Response: r})
		if got := r.Header["Public"]; !slices.Equal(got, tc.want) {
			t.Errorf("%s: the client reads %q, want %q", name, got, tc.want)
		}
	}
}

// What is sent, and that the client obeys the interval.
func TestKeepalives(t *testing.T) {
	for name, tc := range map[string]struct {
		public, session, settings string
		want                      base.Method
	}{
		"as the camera says":   {"PLAY, GET_PARAMETER", "Session: 4711;timeout=2", "", base.GetParameter},
		"as the settings say":  {"PLAY, GET_PARAMETER", "Session: 4711;timeout=60", "keepalive: {method: options, interval: 1s}", base.Options},
		"of no session at all": {"PLAY", "X: y", "keepalive: {method: get_parameter, interval: 1s}", base.GetParameter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits a second for the first keepalive
			s := play(t, answers{
				base.Options: says("200 OK", "Public: "+tc.public), base.GetParameter: silence, base.Play: says("200 OK"),
				base.Setup: func(r *base.Request) string {
					return reply(r, "200 OK", tc.session, "Transport: "+r.Header["Transport"][0])
				},
			})
			_, _, ended := run(t, sourceOf(t, "url: rtsp://"+s.address+"/live\n"+tc.settings))
			s.wait(t, base.Play)
			select {
			case r := <-s.seen:
				if r.Method != tc.want || r.URL.Path != "/live" || tc.session != "X: y" && !slices.Equal(r.Header["Session"], base.HeaderValue{"4711"}) {
					t.Errorf("the keepalive is %s", r)
				}
			case err := <-ended:
				t.Fatalf("the source ended with %v", err)
			case <-time.After(20 * time.Second):
				t.Fatal("no keepalive came")
			}
		})
	}
}
