package probe

import (
	"fmt"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// From here on a person should do something about it.
const (
	longInterval = 4 * time.Second // between key frames
	tallPicture  = 1080            // lines
	fastVideo    = 30.5            // pictures per second
	heavyVideo   = 8_000_000       // bits per second
	roughArrival = 250 * time.Millisecond
	longPause    = 2 * time.Second
)

// advice says what to change, the most important first.
func (r *Report) advice() []string {
	all := []string{} // and not null in JSON
	if r.Fault != nil {
		all = append(all, r.Fault.Advice)
	}
	if r.Video != nil {
		for _, one := range []func(*Video) string{
			r.aboutTranscoding, r.aboutKeyFrames, r.aboutLosses, r.aboutPackets, r.aboutClock, r.aboutSize, r.aboutArrival,
		} {
			all = append(all, one(r.Video))
		}
	}
	all = append(all, r.aboutEnding(), r.aboutLogin())
	kept := all[:0]
	for _, one := range all {
		if one != "" {
			kept = append(kept, one)
		}
	}
	return kept
}

func (r *Report) aboutTranscoding(*Video) string {
	if r.Verdict.Outcome != Transcode || r.instead == "" {
		return ""
	}
	return r.instead + ": then the video is passed on, which costs next to nothing"
}

func (r *Report) aboutKeyFrames(v *Video) string {
	if time.Duration(v.KeyFrames.Largest) <= longInterval || r.Fault != nil {
		return ""
	}
	return keyFrameAdvice(v.FPS)
}

// keyFrameAdvice names the setting as the menus of cameras do.
func keyFrameAdvice(fps float64) string {
	interval := "twice the frame rate"
	if fps >= 1 {
		interval = fmt.Sprintf("%.0f, which is twice the frame rate", 2*fps)
	}
	return fmt.Sprintf("set the I-frame interval (also called GOP or GOV length) to %s, and turn smart coding (H.264+, Smart Codec, Zipstream) off: "+
		"after a start or a lost packet there is no picture before the next key frame", interval)
}

func (r *Report) aboutLosses(v *Video) string {
	switch {
	case v.Packets.Lost == 0:
		return ""
	case r.fact(camera.FactTransport) == "UDP":
		return "packets get lost on the way: use `transport: tcp`, where nothing is"
	}
	return "the camera leaves out packets, as one does that has too much to do: lower its bit rate or frame rate, or close other viewers"
}

func (r *Report) aboutPackets(v *Video) string {
	if v.Mended.Refused == 0 || r.Fault != nil {
		return ""
	}
	return "some of the camera's packets break the rules of RTP beyond repair, and are left out: update its firmware"
}

func (r *Report) aboutClock(v *Video) string {
	if v.Clock.right() {
		return ""
	}
	return "the camera's timestamps are wrong, and the time of arrival is used instead, which makes motion less even: give it a time server (NTP), " +
		"and update its firmware"
}

func (r *Report) aboutSize(v *Video) string {
	var less []string
	if min(v.Width, v.Height) > tallPicture {
		less = append(less, fmt.Sprintf("the resolution (1920x1080 or 1280x720 instead of %dx%d)", v.Width, v.Height))
	}
	if v.FPS > fastVideo {
		less = append(less, fmt.Sprintf("the frame rate (15 to 30 instead of %.0f)", v.FPS))
	}
	if v.BitRate > heavyVideo && !v.Codec.Single() { // those are encoded here, and use far less
		less = append(less, fmt.Sprintf("the bit rate (2 to 4 Mbit/s instead of %.1f)", float64(v.BitRate)/1e6))
	}
	if len(less) == 0 {
		return ""
	}
	return "lower " + strings.Join(less, " and ") + ": more does not make answers better, and costs uplink"
}

func (r *Report) aboutArrival(v *Video) string {
	if time.Duration(v.Jitter.P99) <= roughArrival && time.Duration(v.Jitter.Pause) <= longPause {
		return ""
	}
	return "pictures arrive unevenly: look at the network between (Wi-Fi, a switch that is full), and at the camera's load"
}

func (r *Report) aboutEnding() string {
	if !r.hungUp {
		return ""
	}
	return fmt.Sprintf("the camera ended the session after %s, and each time it does some video is missing: look at its load, its other viewers and "+
		"its firmware", r.Timing.Watched)
}

func (r *Report) aboutLogin() string {
	if r.fact(camera.FactLogin) != "Basic" || strings.HasPrefix(r.Camera, "rtsps:") {
		return ""
	}
	return "the camera has the password sent in the clear: set its RTSP authentication to digest, or use rtsps://"
}

// fact returns the first of a name.
func (r *Report) fact(name string) string {
	for _, f := range r.Connection {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
