package m2m

import "github.com/overshoot-ai/overshoot-agent/internal/v4l2"

// Of returns the encoder of something else than H.264: the kernel's own test driver makes something else.
func Of(coded v4l2.FourCC) *Kind { return &Kind{coded: coded} }
