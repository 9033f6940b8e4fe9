package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// Encoders tries what can make H.264 on this machine; *encode.Encoders does.
type Encoders interface {
	Verdicts(ctx context.Context, job encode.Job) ([]encode.Verdict, error)
}

// job is what an encoder would have to do.
func (m *meter) job(maxHeight int) encode.Job {
	return encode.Job{Codec: m.is(), Width: m.single.size.X, Height: m.single.size.Y, MaxHeight: maxHeight}
}

// bestEncoder returns the encoder that would be used. The error is a *camera.Fault that says why there is none, or a *tooSoonError.
func bestEncoder(ctx context.Context, encoders Encoders, job encode.Job, o *obstacle) (encode.Verdict, error) {
	verdicts, err := encoders.Verdicts(ctx, job)
	if ctx.Err() != nil {
		return encode.Verdict{}, &tooSoonError{"the video must be transcoded, and the probe was interrupted while it tried the encoders"}
	}
	if err != nil {
		return encode.Verdict{}, err
	}
	var failed []string
	for _, v := range verdicts {
		if v.Err == nil {
			return v, nil
		}
		failed = append(failed, fmt.Sprintf("%s: %v", v.Encoder, v.Err))
	}
	return encode.Verdict{}, &camera.Fault{
		Reason: camera.WrongCodec, Err: errors.New("the video must be transcoded, and no encoder works: " + strings.Join(failed, "; ")),
		Advice: strings.TrimSuffix("install an ffmpeg with libx264 (apt install ffmpeg), or "+o.advice, ", or "),
	}
}
