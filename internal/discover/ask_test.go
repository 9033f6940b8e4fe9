package discover_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/discover"
	"github.com/overshoot-ai/overshoot-agent/internal/discover/onviftest"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Where the cameras of these tests are: each has an address of its own, as on a network.
const loopback = "lo"

var (
	here      = netip.MustParseAddr("127.0.0.21")
	elsewhere = netip.MustParseAddr("127.0.0.22")
)

const password = "pa$$ wörd/<&\"canary>"

var login = discover.Login{Username: `ad"min<&`, Password: secret.New(password)}

// camera is one like most are, for a test to change.
func camera(change func(*onviftest.Camera)) onviftest.Camera {
	c := onviftest.Camera{
		Endpoint: "urn:uuid:1", Scopes: "onvif://www.onvif.org/name/Yard", Manufacturer: "ACME", Model: "Dome 3", Firmware: "1.2", Serial: "S1",
		Username: login.Username, Password: password,
		Profiles: []onviftest.Profile{
			{Token: "p<1>", Name: "Main & all", Source: "v1", Encoding: "H264", Width: 2560, Height: 1440, Rate: "25", URI: "rtsp://HOST:554/main?a=1&b=2"},
			{Token: "p2", Name: "Sub", Source: "v1", Encoding: "H264", Width: 1280, Height: 720, Rate: "15.0", URI: "rtsp://HOST/sub"},
		},
	}
	change(&c)
	return c
}

// start runs a camera and returns what a search would have found.
func start(t *testing.T, c onviftest.Camera) (*onviftest.Server, discover.Device) {
	t.Helper()
	s := onviftest.Start(t, loopback, here, c)
	return s, discover.Device{Endpoint: c.Endpoint, Senders: []netip.Addr{here}, Services: []string{s.Own}}
}

func ask(t *testing.T, d discover.Device, l discover.Login) discover.Camera {
	t.Helper()
	return discover.Ask(t.Context(), discover.Options{Timeout: 10 * time.Second}, []discover.Device{d}, l)[0]
}

// checkSent looks for the password in all that a camera got.
func checkSent(t *testing.T, s *onviftest.Server) {
	t.Helper()
	for _, r := range s.Seen() {
		if strings.Contains(r.Body, "canary") || strings.Contains(r.Authorization, "canary") || strings.HasPrefix(r.Authorization, "Basic") {
			t.Errorf("the password was sent: %s %s", r.Authorization, r.Body)
		}
	}
}

// Every kind of camera that gives us its video in the end.
func TestCamerasThatAnswer(t *testing.T) {
	for name, change := range map[string]func(*onviftest.Camera){
		"open":  func(*onviftest.Camera) {},
		"token": func(c *onviftest.Camera) { c.Login = onviftest.Token },
		"token, clock behind": func(c *onviftest.Camera) {
			c.Login, c.Clock = onviftest.Token, -time.Since(time.Unix(0, 0)).Truncate(time.Hour)
		},
		"token, clock ahead": func(c *onviftest.Camera) { c.Login, c.Clock = onviftest.Token, 36*time.Hour+17*time.Second },
		"digest":             func(c *onviftest.Camera) { c.Login = onviftest.Digest },
		"older":              func(c *onviftest.Camera) { c.WithoutGetServices, c.NoMedia2 = true, true },
		"older, token":       func(c *onviftest.Camera) { c.WithoutGetServices, c.NoMedia2, c.Login = true, true, onviftest.Token },
		"newer alone":        func(c *onviftest.Camera) { c.NoMedia = true },
		"newer promised":     func(c *onviftest.Camera) { c.Profiles[0].OnlyMedia, c.Profiles[1].OnlyMedia = true, true },
		"https":              func(c *onviftest.Camera) { c.TLS, c.Login = true, onviftest.Digest },
		"another prefix":     func(c *onviftest.Camera) { c.Prefix = "SOAP-ENV" },
		"services at a foreign host": func(c *onviftest.Camera) {
			c.Media = func(string) string { return "http://192.168.1.108:80/onvif/media" }
			c.Media2 = func(string) string { return "http://camera.example/onvif/media2" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, device := start(t, camera(change))
			c := ask(t, device, login)
			if c.Trouble != nil || len(c.Videos) != 1 || len(c.Videos[0].Streams) != 2 {
				t.Fatalf("trouble: %v, videos: %+v; it got %+v", c.Trouble, c.Videos, s.Seen())
			}
			want := discover.Stream{Profile: "Sub", Codec: "H.264", Width: 1280, Height: 720, Rate: 15, URL: "rtsp://127.0.0.21/sub"}
			if got := c.Videos[0].Streams[0]; got != want { // of those that are not too large, the largest
				t.Errorf("the stream is %+v, want %+v", got, want)
			}
			want = discover.Stream{
				Profile: "Main & all", Codec: "H.264", Width: 2560, Height: 1440, Rate: 25, URL: "rtsp://127.0.0.21:554/main?a=1&b=2",
			}
			if got := c.Videos[0].Streams[1]; got != want {
				t.Errorf("the other stream is %+v, want %+v", got, want)
			}
			if c.Manufacturer != "ACME" || c.Model != "Dome 3" || c.Firmware != "1.2" || c.Serial != "S1" || c.At != here {
				t.Errorf("it is %+v", c)
			}
			if wanted := s.Login != onviftest.Open; c.LoggedIn != wanted {
				t.Errorf("logged in: %v", c.LoggedIn)
			}
			checkSent(t, s)
		})
	}
}

// A camera that has nothing against strangers is told nothing of our login, and is asked no more than it takes.
func TestNothingUnasked(t *testing.T) {
	s, device := start(t, camera(func(c *onviftest.Camera) { c.NoMedia2 = true }))
	ask(t, device, login)
	var asked []string
	for _, r := range s.Seen() {
		asked = append(asked, r.Operation)
		if r.Authorization != "" || strings.Contains(r.Body, "Security") {
			t.Errorf("it got %s %s", r.Authorization, r.Body)
		}
	}
	want := []string{"GetSystemDateAndTime", "GetServices", "GetProfiles", "GetStreamUri", "GetStreamUri", "GetDeviceInformation"}
	if !slices.Equal(asked, want) {
		t.Errorf("it was asked %q, want %q", asked, want)
	}
}

// Services may be at another port of the same host.
func TestServicesAtAnotherPort(t *testing.T) {
	media := onviftest.Start(t, loopback, here, camera(func(c *onviftest.Camera) { c.Login = onviftest.Digest }))
	s, device := start(t, camera(func(c *onviftest.Camera) {
		c.Login, c.NoMedia, c.Profiles = onviftest.Digest, true, nil
		c.Media2 = func(string) string { return media.Own }
	}))
	c := ask(t, device, login)
	if c.Trouble != nil || len(c.Videos) != 1 || len(media.Seen()) == 0 {
		t.Errorf("%+v; it got %+v", c, s.Seen())
	}
}

func TestLoginsThatFail(t *testing.T) {
	wrong := discover.Login{Username: login.Username, Password: secret.New("wrong canary")}
	for _, test := range []struct {
		name   string
		how    onviftest.Login
		login  discover.Login
		reason error
		proofs int // how often a password was tried: cameras lock out who guesses
	}{
		{"token, nobody", onviftest.Token, discover.Login{}, discover.ErrLoginWanted, 0},
		{"digest, nobody", onviftest.Digest, discover.Login{}, discover.ErrLoginWanted, 0},
		{"basic, nobody", onviftest.Basic, discover.Login{}, discover.ErrLoginWanted, 0},
		{"token, wrong", onviftest.Token, wrong, discover.ErrLoginRefused, 1},
		{"digest, wrong", onviftest.Digest, wrong, discover.ErrLoginRefused, 2},
		{"basic", onviftest.Basic, login, discover.ErrLoginRefused, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, device := start(t, camera(func(c *onviftest.Camera) { c.Login = test.how }))
			c := ask(t, device, test.login)
			if !errors.Is(c.Trouble, test.reason) || len(c.Videos) > 0 || c.LoggedIn || c.Advice() == "" {
				t.Errorf("trouble: %v, advice: %s, videos: %+v", c.Trouble, c.Advice(), c.Videos)
			}
			proofs := 0
			for _, r := range s.Seen() {
				if r.Authorization != "" || strings.Contains(r.Body, "UsernameToken") {
					proofs++
				}
			}
			if proofs != test.proofs {
				t.Errorf("%d attempts to log in, want %d", proofs, test.proofs)
			}
			if test.how == onviftest.Basic && test.proofs > 0 && !strings.Contains(c.Trouble.Error(), "clear text") {
				t.Errorf("trouble: %v", c.Trouble)
			}
			checkSent(t, s)
		})
	}
}

// A camera with newer and older profiles is asked the newer way, which alone knows H.265.
func TestH265IsKnown(t *testing.T) {
	_, device := start(t, camera(func(c *onviftest.Camera) {
		c.Profiles = []onviftest.Profile{{Token: "a", Name: "Only", Encoding: "H265", Width: 3840, Height: 2160, Rate: "20", URI: "rtsp://HOST:8554/h265"}}
	}))
	c := ask(t, device, discover.Login{})
	if c.Trouble != nil || c.Videos[0].Streams[0].Codec != "H.265" || c.Videos[0].Streams[0].URL != "rtsp://127.0.0.21:8554/h265" {
		t.Errorf("%+v", c)
	}
}

// H.264 is preferred, whatever is larger, and a recorder's channels are cameras of their own.
func TestChannels(t *testing.T) {
	_, device := start(t, camera(func(c *onviftest.Camera) {
		c.Profiles = []onviftest.Profile{
			{Token: "1", Source: "a", Encoding: "H265", Width: 1920, Height: 1080, URI: "rtsp://HOST/a1"},
			{Token: "2", Source: "a", Encoding: "H264", Width: 640, Height: 360, URI: "rtsp://HOST/a2"},
			{Token: "3", Source: "b", Encoding: "JPEG", Width: 640, Height: 360, URI: "rtsp://HOST/b1"},
			{Token: "4", Source: "b", Encoding: "MPEG4", Width: 640, Height: 360, URI: "rtsp://HOST/b2"},
			{Token: "5", Source: "c", Encoding: "H264", Width: 640, Height: 360, URI: "http://HOST/c"},
		}
	}))
	c := ask(t, device, discover.Login{})
	if len(c.Videos) != 2 {
		t.Fatalf("%+v", c)
	}
	for i, want := range []string{"rtsp://127.0.0.21/a2", "rtsp://127.0.0.21/b1"} {
		if got := c.Videos[i].Streams[0].URL; got != want {
			t.Errorf("video %d is at %s, want %s", i, got, want)
		}
	}
}

func TestCamerasOfNoUse(t *testing.T) {
	answer := func(status int, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = w.Write([]byte(text)) })
	}
	other := onviftest.Start(t, loopback, elsewhere, camera(func(c *onviftest.Camera) { c.Login = onviftest.Token }))
	for name, test := range map[string]struct {
		serve http.Handler
		want  string
	}{
		"rubbish":    {answer(http.StatusOK, "\x00\xff<html>\x1b[2J"), "the answer is no SOAP"},
		"nothing":    {answer(http.StatusOK, ""), "no XML"},
		"a page":     {answer(http.StatusNotFound, "<html>not\x1b[31m here"), "HTTP status 404"},
		"too much":   {answer(http.StatusOK, strings.Repeat("<a>", 1<<20)), "larger than"},
		"too deep":   {answer(http.StatusOK, strings.Repeat("<a>", 1<<10)), "inside one another"},
		"a redirect": {http.RedirectHandler(other.Own, http.StatusTemporaryRedirect), "HTTP status 307"},
		"a bell":     {answer(http.StatusOK, `<Envelope><Body><Nothing/></Body></Envelope>`), "no service for video"},
	} {
		t.Run(name, func(t *testing.T) {
			_, device := start(t, camera(func(c *onviftest.Camera) { c.Serve = test.serve }))
			c := ask(t, device, login)
			if c.Trouble == nil || !strings.Contains(c.Trouble.Error(), test.want) || strings.Contains(c.Trouble.Error(), "\x1b") {
				t.Errorf("trouble: %v, want %s", c.Trouble, test.want)
			}
		})
	}
	if seen := other.Seen(); len(seen) > 0 {
		t.Errorf("the redirect was followed: %+v", seen)
	}
}

// A camera that goes silent holds up nobody for longer than what was agreed.
func TestSilentCamera(t *testing.T) {
	gone := make(chan struct{})
	t.Cleanup(func() { close(gone) })
	_, device := start(t, camera(func(c *onviftest.Camera) {
		c.Serve = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-gone:
			case <-r.Context().Done():
			}
		})
	}))
	cameras := discover.Ask(t.Context(), discover.Options{Timeout: 200 * time.Millisecond}, []discover.Device{device}, login)
	if c := cameras[0]; c.Trouble == nil || c.Trouble.Error() != "no answer within 200ms" {
		t.Errorf("trouble: %v", c.Trouble)
	}
}

// Whatever a camera says about where it can be asked, only those are asked that answered a search.
func TestOnlySendersAreAsked(t *testing.T) {
	other := onviftest.Start(t, loopback, elsewhere, camera(func(c *onviftest.Camera) { c.Login = onviftest.Digest }))
	own, device := start(t, camera(func(c *onviftest.Camera) {
		c.Login = onviftest.Token
		c.Media2 = func(string) string { return other.Own }
		c.Profiles[0].URI = "rtsp://" + elsewhere.String() + ":554/stolen"
		c.Profiles[1].URI = "rtsp://localhost/stolen?to=rtsp://10.0.0.1/"
	}))
	t.Run("it is there as well", func(t *testing.T) {
		device.Services = []string{other.Own, "http://localhost:1/", own.Own, "gopher://127.0.0.21/", "http://127.0.0.21:99999/", "%", "http://"}
		c := ask(t, device, login)
		if c.Trouble != nil || c.At != here {
			t.Fatalf("%+v", c)
		}
		for _, s := range c.Videos[0].Streams {
			if !strings.HasPrefix(s.URL, "rtsp://127.0.0.21") || s.Said == "" {
				t.Errorf("the stream is %+v", s)
			}
		}
	})
	t.Run("it is nowhere", func(t *testing.T) {
		device.Services = []string{other.Own}
		if c := ask(t, device, login); c.Trouble == nil || !strings.Contains(c.Trouble.Error(), "named another host (127.0.0.22), which was not asked") {
			t.Errorf("trouble: %v", c.Trouble)
		}
	})
	t.Run("it says nothing", func(t *testing.T) {
		device.Services = nil
		if c := ask(t, device, login); c.Trouble == nil || !strings.Contains(c.Trouble.Error(), "no address") {
			t.Errorf("trouble: %v", c.Trouble)
		}
	})
	if seen := other.Seen(); len(seen) > 0 {
		t.Errorf("another host was asked: %+v", seen)
	}
}

// A user who may see the video need not be allowed to know what the camera is.
func TestViewersWithoutRights(t *testing.T) {
	for _, how := range []onviftest.Login{onviftest.Token, onviftest.Digest} {
		s, device := start(t, camera(func(c *onviftest.Camera) { c.Login, c.Forbidden = how, "GetDeviceInformation" }))
		c := ask(t, device, login)
		asked := 0
		for _, r := range s.Seen() {
			if r.Operation == "GetDeviceInformation" {
				asked++
			}
		}
		if c.Trouble != nil || len(c.Videos) != 1 || c.Model != "" || asked != 1 {
			t.Errorf("%+v; it got %+v", c, s.Seen())
		}
	}
}
