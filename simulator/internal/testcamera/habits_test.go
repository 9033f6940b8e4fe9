package testcamera_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/testcamera"
)

// raw plays a URL without understanding it, until the test ends.
func raw(t *testing.T, url string) (announced format.Format, packets chan *rtp.Packet) {
	t.Helper()
	packets = make(chan *rtp.Packet, 5000)
	v := dial(t, url, gortsplib.ProtocolTCP)
	desc, _, err := v.client.Describe(v.url)
	if err != nil {
		t.Fatal(err)
	}
	announced = desc.Medias[0].Formats[0]
	if _, err := v.client.Setup(desc.BaseURL, desc.Medias[0], 0, 0); err != nil {
		t.Fatal(err)
	}
	v.client.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		p.Payload = bytes.Clone(p.Payload)
		packets <- p
	})
	if _, err := v.client.Play(nil); err != nil {
		t.Fatal(err)
	}
	return announced, packets
}

// pictures returns the packets of so many whole pictures, each with one timestamp.
func pictures(t *testing.T, packets chan *rtp.Packet, n int) (all [][]*rtp.Packet) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case p := <-packets:
			if len(all) == 0 || all[len(all)-1][0].Timestamp != p.Timestamp {
				all = append(all, nil)
			}
			all[len(all)-1] = append(all[len(all)-1], p)
			if len(all) == n+2 { // the first and the last may be cut off
				return all[1 : n+1]
			}
		case <-late:
			t.Fatalf("only %d of %d pictures came", len(all), n)
		}
	}
}

func TestEveryCodecIsPlayed(t *testing.T) {
	for _, codec := range []clip.Codec{clip.H265, clip.MJPEG} {
		t.Run(string(codec), func(t *testing.T) {
			spec := tiny
			spec.Codec = codec
			loaded, err := makeClip(t.TempDir(), spec)
			if err != nil {
				t.Fatal(err)
			}
			server := start(t, testcamera.Camera{Clip: loaded})
			announced, packets := raw(t, server.URL("front"))
			var decode func(*rtp.Packet) error
			switch f := announced.(type) {
			case *format.H265:
				if !bytes.Equal(f.VPS, loaded.VPS) || !bytes.Equal(f.SPS, loaded.SPS) || !bytes.Equal(f.PPS, loaded.PPS) {
					t.Error("other parameter sets are announced")
				}
				decoder, err := f.CreateDecoder()
				if err != nil {
					t.Fatal(err)
				}
				decode = func(p *rtp.Packet) error { _, err := decoder.Decode(p); return err }
			case *format.MJPEG:
				decoder, err := f.CreateDecoder()
				if err != nil {
					t.Fatal(err)
				}
				decode = func(p *rtp.Packet) error { _, err := decoder.Decode(p); return err }
			default:
				t.Fatalf("%T is announced", announced)
			}
			for n, picture := range pictures(t, packets, 20) {
				for i, p := range picture {
					if err := decode(p); (err == nil) != (i == len(picture)-1) {
						t.Errorf("picture %d, packet %d of %d: %v", n, i, len(picture), err)
					}
				}
			}
		})
	}
}

func TestNamesThatAreNotTrue(t *testing.T) {
	server := start(t, testcamera.Camera{Says: clip.H265})
	announced, packets := raw(t, server.URL("front"))
	f, ok := announced.(*format.H265)
	if !ok || f.SPS != nil {
		t.Fatalf("%+v is announced", announced)
	}
	kinds := map[byte]bool{}
	for _, picture := range pictures(t, packets, 20) {
		kinds[picture[0].Payload[0]&0x1f] = true
	}
	if !kinds[1] && !kinds[28] || !kinds[24] { // single or fragmented slices; parameter sets as STAP-A
		t.Errorf("this is no H.264: %v", kinds)
	}
}

func TestAnnouncedParameterSets(t *testing.T) {
	for sets, want := range map[testcamera.Sets]string{
		testcamera.SetsEverywhere: "as they are", testcamera.SetsInSDP: "as they are", testcamera.SetsInBand: "none", testcamera.SetsAnnexB: "Annex-B",
	} {
		loaded, err := loadClip()
		if err != nil {
			t.Fatal(err)
		}
		server := start(t, testcamera.Camera{Sets: sets})
		v := dial(t, server.URL("front"), gortsplib.ProtocolTCP)
		if _, response, err := v.client.Describe(v.url); err != nil {
			t.Error(err)
		} else if got := describeSets(string(response.Body), loaded); got != want {
			t.Errorf("%v: the SDP has %s, want %s:\n%s", sets, got, want, response.Body)
		}
	}
}

// describeSets tells in which form an SDP has the parameter sets of a clip.
func describeSets(sdp string, c *clip.Clip) string {
	has := func(before ...byte) bool {
		return strings.Contains(sdp, base64.StdEncoding.EncodeToString(append(before, c.SPS...))) &&
			strings.Contains(sdp, base64.StdEncoding.EncodeToString(append(before, c.PPS...)))
	}
	switch {
	case has():
		return "as they are"
	case has(0, 0, 0, 1):
		return "Annex-B"
	case !strings.Contains(sdp, "sprop"):
		return "none"
	default:
		return "something else"
	}
}

func TestMarkersAndAggregation(t *testing.T) {
	for name, c := range map[string]struct {
		settings testcamera.Camera
		marked   func(i, n int) bool
		stapA    bool
	}{
		"as it should be": {testcamera.Camera{}, func(i, n int) bool { return i == n-1 }, true},
		"all":             {testcamera.Camera{Markers: testcamera.MarkersAll}, func(int, int) bool { return true }, true},
		"none":            {testcamera.Camera{Markers: testcamera.MarkersNone}, func(int, int) bool { return false }, true},
		"one by one":      {testcamera.Camera{Unaggregated: true}, func(i, n int) bool { return i == n-1 }, false},
	} {
		server := start(t, c.settings)
		_, packets := raw(t, server.URL("front"))
		stapA := false
		for _, picture := range pictures(t, packets, 20) {
			for i, p := range picture {
				if want := c.marked(i, len(picture)); p.Marker != want {
					t.Errorf("%s: packet %d of %d: marker %v, want %v", name, i, len(picture), p.Marker, want)
				}
				stapA = stapA || p.Payload[0]&0x1f == 24
			}
		}
		if stapA != c.stapA {
			t.Errorf("%s: STAP-A %v, want %v", name, stapA, c.stapA)
		}
	}
}

func TestWildClock(t *testing.T) {
	server := start(t, testcamera.Camera{WildClock: true})
	_, packets := raw(t, server.URL("front"))
	ahead, back := 0, 0
	all := pictures(t, packets, 120)
	for i := range all[1:] {
		switch step := int32(all[i+1][0].Timestamp - all[i][0].Timestamp); {
		case step > 3000*90000:
			ahead++
		case step < 0:
			back++
		}
	}
	if ahead == 0 || back == 0 {
		t.Errorf("120 pictures had %d leaps ahead and %d back", ahead, back)
	}
}

func TestUntidiness(t *testing.T) {
	server := start(t, testcamera.Camera{Untidy: true})
	_, packets := raw(t, server.URL("front"))
	twice, back := 0, 0
	for _, picture := range pictures(t, packets, 20) {
		seen := map[uint16]int{}
		for i, p := range picture {
			if seen[p.SequenceNumber]++; i > 0 && int16(p.SequenceNumber-picture[i-1].SequenceNumber) < 0 {
				back++
			}
		}
		for _, n := range seen {
			if n == 2 {
				twice++
			}
		}
		if 2*len(seen) != len(picture) {
			t.Errorf("%d different packets of %d", len(seen), len(picture))
		}
	}
	if twice < 20 || back == 0 {
		t.Errorf("%d packets came twice and %d out of order", twice, back)
	}
}

// B-frames are sent after the picture that follows them, with the timestamp at which they are shown.
func TestBFramesGoBackInTime(t *testing.T) {
	spec := tiny
	spec.BFrames = 2
	loaded, err := makeClip(t.TempDir(), spec)
	if err != nil {
		t.Fatal(err)
	}
	server := start(t, testcamera.Camera{Clip: loaded})
	_, packets := raw(t, server.URL("front"))
	back, seen := 0, map[uint32]bool{}
	all := pictures(t, packets, 45)
	for i, picture := range all {
		if seen[picture[0].Timestamp] {
			t.Errorf("two pictures have the timestamp %d", picture[0].Timestamp)
		}
		seen[picture[0].Timestamp] = true
		if i > 0 && int32(picture[0].Timestamp-all[i-1][0].Timestamp) < 0 {
			back++
		}
	}
	if back < 8 || back > 15 {
		t.Errorf("the timestamps of 45 pictures went back %d times", back)
	}
}

func TestSilenceIsForThoseWhoAreThere(t *testing.T) {
	server := start(t, testcamera.Camera{})
	old, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP)
	if err != nil {
		t.Fatal(err)
	}
	old.next(t)
	server.Silence("front")
	fresh, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP)
	if err != nil {
		t.Fatal(err)
	}
	for len(old.units) > 0 { // what was under way
		<-old.units
	}
	for range 20 {
		fresh.next(t)
	}
	if n := len(old.units); n > 1 {
		t.Errorf("%d pictures came in silence", n)
	}
	if server.Sessions("front") != 2 {
		t.Error("a session ended")
	}
}

func TestViewersAreDropped(t *testing.T) {
	server := start(t, testcamera.Camera{DropAfter: 300 * time.Millisecond})
	for range 2 {
		v, err := watch(t, server.URL("front"), gortsplib.ProtocolTCP)
		if err != nil {
			t.Fatal(err)
		}
		v.next(t)
		if err := v.client.Wait(); err == nil {
			t.Error("the session ended without an error")
		}
	}
	if n := server.Plays("front"); n != 2 {
		t.Errorf("%d plays, want 2", n)
	}
}
