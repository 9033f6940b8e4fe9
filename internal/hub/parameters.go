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
		before := h.parameters.SPS
		if h.replace(&h.parameters.SPS, unit) && before != nil {
			h.changed(before, h.parameters.SPS)
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

func (h *Hub) changed(before, after []byte) {
	if h.OnChange != nil {
		h.news = append(h.news, func() { h.OnChange(before, after) })
	}
}
