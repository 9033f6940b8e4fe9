package m2m

import (
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// A joiner puts parameter sets before the picture that they belong to: some drivers give them in a buffer of their own.
type joiner struct{ kept []byte }

// join returns a whole access unit, borrowed until the next call; nil where this is none yet.
func (j *joiner) join(coded v4l2.FourCC, made []byte) []byte {
	if coded != v4l2.H264 {
		return made
	}
	var found h264.Content
	h264.EachAnnexB(made, func(unit []byte) { found |= h264.Look(unit) })
	switch picture := found.Has(h264.IDR | h264.Slice); {
	case !picture:
		j.kept = append(j.kept, made...)
		return nil
	case len(j.kept) == 0:
		return made
	}
	whole := append(j.kept, made...)
	j.kept = whole[:0]
	return whole
}
