package probe

import (
	"fmt"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// An obstacle is why a video cannot be passed on as it is, and what to change in the camera's settings so that it can.
type obstacle struct{ why, advice string }

// obstacle returns nil when there is none.
func (m *meter) obstacle() *obstacle {
	codec := m.is()
	if codec.Raw() {
		return &obstacle{fmt.Sprintf("raw pictures, %s", codec), "choose H.264 as the source's format, if the camera has it"}
	}
	if codec != camera.H264 {
		return &obstacle{
			string(codec), fmt.Sprintf("set the camera's stream from %s to H.264, or use the address of its second stream, which often is", codec),
		}
	}
	if err := m.avc.format.Passable(); err != nil {
		return &obstacle{err.Error(), "set the camera's profile to Main or High, with 8 bits and 4:2:0"}
	}
	if m.reordered() {
		return &obstacle{
			"B-frames", "set the camera's profile to Main or Baseline and B-frames to 0, and turn smart coding (H.264+, Smart Codec, Zipstream) off",
		}
	}
	return nil
}

// reordered tells whether pictures come in another order than they are shown.
func (m *meter) reordered() bool {
	switch m.is() {
	case camera.H264:
		return m.avc.format.Reorders(m.avc.seen)
	case camera.H265:
		return m.hevc.known && reorders(&m.hevc.sps)
	}
	return false
}
