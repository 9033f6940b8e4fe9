package cameras

import (
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/testcamera"
)

func TestParse(t *testing.T) {
	specs, err := Parse("front-door=720p30,dock=1080p30:sdp-only:payload=1000,new=360p30:h265:drop=10s,odd=180p15:says=h265:b-frames=2:slices=4:gop=150:all-marked:unaggregated:number=9")
	if err != nil || len(specs) != 4 {
		t.Fatalf("got %d cameras, %v", len(specs), err)
	}
	if err := SetPassword(specs, "dock=admin:a:b"); err != nil {
		t.Fatal(err)
	}
	first, second := specs[0], specs[1]
	if first.Number != 1 || first.Clip.Name != "720p30" || first.Clip.Camera != 1 || first.Settings.Name != "front-door" {
		t.Errorf("first: %+v", first)
	}
	if s := second.Settings; second.Number != 2 || s.Sets != testcamera.SetsInSDP || s.PayloadSize != 1000 || s.Username != "admin" || s.Password != "a:b" {
		t.Errorf("second: %+v", second)
	}
	if third := specs[2]; third.Clip.Codec != clip.H265 || third.Settings.DropAfter != 10*time.Second {
		t.Errorf("third: %+v", third)
	}
	fourth := specs[3]
	if c := fourth.Clip; fourth.Number != 9 || c.Camera != 9 || c.Name != "180p15" || c.BFrames != 2 || c.Slices != 4 || c.GOP != 150 {
		t.Errorf("fourth: %+v", fourth)
	}
	if s := fourth.Settings; s.Says != clip.H265 || s.Markers != testcamera.MarkersAll || !s.Unaggregated {
		t.Errorf("fourth: %+v", fourth)
	}
	if specs, err = Parse(""); err != nil || specs != nil {
		t.Errorf("no cameras: %v, %v", specs, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for list, hint := range map[string]string{
		"door":                   "NAME=FORMAT",
		"a b=720p30":             "NAME=FORMAT",
		"a/b=720p30":             "NAME=FORMAT",
		"door=4k":                "360p30, 720p30 and 1080p30",
		"door=720p30:fast":       "h265, mjpeg",
		"door=720p30:h265=1":     "none of",
		"door=720p30:payload=9":  "100 to 1460",
		"door=720p30:gop":        "gop=N",
		"door=720p30:drop=-1s":   "such as 10s",
		"door=720p30,":           "NAME=FORMAT",
		strings.Repeat("x", 300): "NAME=FORMAT",
	} {
		if _, err := Parse(list); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: got %v, want a hint of %q", list, err, hint)
		}
	}
	many := strings.TrimSuffix(strings.Repeat("c=360p30,", 17), ",")
	if _, err := Parse(many); err == nil {
		t.Error("17 cameras were taken")
	}
	for _, text := range []string{"dock=admin:x", "door", "door=admin", "door=:x"} {
		specs, err := Parse("door=360p30")
		if err != nil {
			t.Fatal(err)
		}
		if SetPassword(specs, text) == nil {
			t.Errorf("credentials %q were taken", text)
		}
	}
}
