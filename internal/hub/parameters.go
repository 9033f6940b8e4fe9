package hub

import (
	"bytes"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

func (h *Hub) learnFrom(payload []byte) {
	h264.EachUnit(payload, func(unit []byte) { h.learn(unit, unit[0]&0x1f) })
}

// learn keeps a parameter set: the newest wins, whether it came with the session's description or with a picture.
func (h *Hub) learn(unit []byte, kind byte) {
	if len(unit) == 0 || len(unit) > camera.MaxPayload || unit[0]&0x1f != kind {
		return
	}
	switch kind {
	case h264.TypeSPS:
		if h.replace(&h.parameters.SPS, unit) && h.shown == nil {
			h.shown = h.parameters.SPS
		}
	case h264.TypePPS:
		h.replace(&h.parameters.PPS, unit)
	}
}

// replace reports whether unit is another than the one that was known.
func (h *Hub) replace(known *[]byte, unit []byte) bool {
	if bytes.Equal(*known, unit) {
		return false
	}
	*known = bytes.Clone(unit)
	h.bundle = h264.Aggregate(h.bundle[:0], camera.MaxPayload, h.parameters.SPS, h.parameters.PPS)
	return true
}

// show is called when a key frame begins.
func (h *Hub) show() {
	before, after := h.shown, h.parameters.SPS
	if bytes.Equal(before, after) {
		return
	}
	h.shown = after
	if h.OnChange != nil {
		h.news = append(h.news, func() { h.OnChange(before, after) })
	}
}
