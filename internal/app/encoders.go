package app

import (
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/gstreamer"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/m2m"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/openh264"
)

// Encoders returns what can make H.264 on this machine, as far as that is known before it is tried. scrub takes secrets out of what children say. A
// new kind is a folder below internal/encode and a line here.
func Encoders(scrub func(string) string) *encode.Encoders {
	return encode.NewEncoders(m2m.New(), ffmpeg.New("ffmpeg", scrub), gstreamer.New("gst-launch-1.0", scrub), openh264.New())
}
