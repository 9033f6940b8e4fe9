package probe

import (
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// silence is how long no picture may come; the agent would open the camera again.
const silence = 5 * time.Second

// lacking returns what a video of a camera that is connected lacks to be of any use: a *camera.Fault, or a *tooSoonError.
func (r *Report) lacking(m *meter) error {
	watched, v := time.Duration(r.Timing.Watched).Round(100*time.Millisecond), r.Video
	switch {
	case m.begun.IsZero():
		return &tooSoonError{"the probe was interrupted before the camera had answered"}
	case v == nil || v.Pictures == 0:
		return r.noPicture(watched)
	case v.KeyFrames.Count == 0 && watched < most:
		return &tooSoonError{fmt.Sprintf("no key frame came within %v; watch for longer, with --duration", watched)}
	case v.KeyFrames.Count == 0:
		return &camera.Fault{
			Reason: camera.Stalled, Err: fmt.Errorf("%s sends video, but no key frame came within %v, and decoding can begin only there", r.Camera, watched),
			Advice: keyFrameAdvice(v.FPS),
		}
	case !v.ParameterSets.Announced && !v.ParameterSets.InBand:
		return &camera.Fault{
			Reason: camera.Protocol,
			Err:    errors.New("it sends the parameter sets (SPS and PPS), without which nobody can decode its video, neither with the video nor before"),
			Advice: "update the camera's firmware, or take the stream from a recorder or relay",
		}
	}
	return nil
}

func (r *Report) noPicture(watched time.Duration) error {
	switch {
	case r.Video != nil && r.Video.Mended.Refused > 0:
		return &camera.Fault{
			Reason: camera.Protocol, Err: fmt.Errorf("%s sends packets of H.264 that rooms do not take (such as interleaved ones, packetization mode 2)", r.Camera),
			Advice: "update the camera's firmware, or take the stream from a recorder or relay",
		}
	case watched < silence:
		return &tooSoonError{fmt.Sprintf("no complete picture came within %v; watch for longer, with --duration", watched)}
	}
	return &camera.Fault{
		Reason: camera.Stalled, Err: fmt.Errorf("%s is connected, but no complete picture came for %v", r.Camera, watched),
		Advice: "restart the camera; if that does not help, look at its power, network and load",
	}
}
