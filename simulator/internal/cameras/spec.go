// Package cameras sets up the test cameras from the command line's words and tells the API and the control interface about them.
package cameras

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/testcamera"
)

// A Spec says what one test camera plays. Its clip is drawn with the camera's number.
type Spec struct {
	Number   int
	Clip     clip.Spec
	Settings testcamera.Camera // without its Clip
}

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Parse reads a list such as "front-door=720p30,dock=1080p30:sdp-only:payload=1000". The formats are 180p15, 360p30, 720p30
// and 1080p30; the options are those of words and values. Cameras are numbered from 1 in the order given.
func Parse(list string) ([]Spec, error) {
	if list == "" {
		return nil, nil
	}
	var specs []Spec
	for entry := range strings.SplitSeq(list, ",") {
		spec, err := parseOne(entry, (len(specs)+1)%(picture.MaxCamera+1))
		if err != nil {
			return nil, fmt.Errorf("camera %q: %w", entry, err)
		}
		specs = append(specs, spec)
	}
	if len(specs) > picture.MaxCamera+1 {
		return nil, fmt.Errorf("%d cameras: only %d numbers can be burned into pictures", len(specs), picture.MaxCamera+1)
	}
	return specs, nil
}

func parseOne(entry string, number int) (Spec, error) {
	name, rest, found := strings.Cut(entry, "=")
	if !found || !validName.MatchString(name) {
		return Spec{}, fmt.Errorf("want NAME=FORMAT[:OPTION...], with letters, digits, dots and dashes in the name")
	}
	words := strings.Split(rest, ":")
	formats := map[string]func(camera int) clip.Spec{"1080p30": clip.FullHD, "720p30": clip.HD, "360p30": clip.Small, "180p15": clip.Tiny}
	format, known := formats[words[0]]
	if !known {
		return Spec{}, fmt.Errorf("format %q is none of 180p15, 360p30, 720p30 and 1080p30", words[0])
	}
	spec := Spec{Number: number, Clip: format(number), Settings: testcamera.Camera{Name: name}}
	for _, option := range words[1:] {
		if err := spec.apply(option); err != nil {
			return Spec{}, err
		}
	}
	return spec, nil
}

// SetPassword gives the named camera the credentials of a text such as "front-door=admin:secret".
func SetPassword(specs []Spec, text string) error {
	name, credentials, _ := strings.Cut(text, "=")
	username, password, found := strings.Cut(credentials, ":")
	if !found || username == "" {
		return fmt.Errorf("credentials of camera %q: want NAME=USER:PASSWORD", name)
	}
	for i := range specs {
		if specs[i].Settings.Name == name {
			specs[i].Settings.Username, specs[i].Settings.Password = username, password
			return nil
		}
	}
	return fmt.Errorf("credentials are given for camera %q, but there is no such camera", name)
}
