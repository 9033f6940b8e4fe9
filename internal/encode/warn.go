package encode

import (
	"time"

	"go.uber.org/zap"
)

// complaint is the least time between two warnings that the encoder is too slow.
const complaint = time.Minute

// warn says, not too often, that the encoder is too slow.
func (s *shift) warn() {
	if s.t.late.Load() == 0 || time.Since(s.warned) < complaint {
		return
	}
	s.warned = time.Now()
	s.t.options.Log.Warn("the encoder cannot keep up, pictures are dropped",
		zap.Int64("dropped", s.t.late.Swap(0)), zap.String("encoder", s.encoder.Name()), zap.String("advice", relief(s.job)))
}

// relief names settings that cost less.
func relief(job Job) string {
	if job.Codec.Single() {
		return "lower fps or the size of the camera (source: fps, width, height), or lower max_height, or take a camera that gives H.264, " +
			"which costs nothing here"
	}
	return "use the camera's second stream, give it fewer pictures per second, lower max_height, or set the camera to H.264, which costs nothing here"
}
