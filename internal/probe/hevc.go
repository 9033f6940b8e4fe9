package probe

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// NAL unit types (ITU-T H.265 table 7-1) and those of RTP (RFC 7798 section 4.4).
const (
	hevcFirstIRAP = 16
	hevcLastIRAP  = 23
	hevcLastVCL   = 31
	hevcVPS       = 32
	hevcSPS       = 33
	hevcPPS       = 34
	hevcAUD       = 35
	hevcPrefixSEI = 39
	hevcAP        = 48
	hevcFU        = 49
)

// hevc reads H.265 (RFC 7798), as far as counting pictures needs.
type hevc struct {
	film   film
	sets   sets
	framer h264.Framer

	sps   h265.SPS // the newest that could be read
	known bool     // there was one
}

func (h *hevc) announced(units [][]byte) {
	for _, unit := range units {
		h264.EachAnnexB(unit, func(u []byte) { h.learn(u, true) })
	}
}

func (h *hevc) learn(unit []byte, announced bool) {
	if len(unit) < 3 {
		return
	}
	switch kind265(unit) {
	case hevcPPS:
		h.sets.note(pictureSet, announced)
	case hevcSPS:
		var sps h265.SPS
		// What stands behind the size may be of a kind that the library does not know. The panics of a parser that strangers feed
		// are no reason to end.
		_ = guard.Run(func() error { return sps.Unmarshal(unit) })
		if sps.BitDepthLumaMinus8 > 8 || sps.Width() <= 0 || sps.Height() <= 0 || sps.Width() > 1<<14 || sps.Height() > 1<<14 {
			return
		}
		h.sets.note(sequenceSet, announced)
		h.sets.compare(unit, announced)
		h.sps, h.known = sps, true
	}
}

func (h *hevc) packet(p camera.Packet, now time.Time) {
	if p.Lost > 0 {
		h.film.lose()
	}
	content, slices := inspect265(p.Payload, func(unit []byte) { h.learn(unit, false) })
	if content.Has(h264.Invalid) {
		return
	}
	place := h.framer.Place(p.Timestamp, p.Marker, content)
	if place.Has(h264.Begins) {
		h.film.begin(p.Timestamp, now)
	}
	h.film.add(part{
		bytes: len(p.Payload), sliced: content.Has(h264.IDR | h264.Slice), slices: slices, key: content.Has(h264.IDR), marked: p.Marker,
	}, now)
}

// inspect265 puts what a payload of RFC 7798 carries in the terms of H.264, counts the slices that end in it, and calls whole for each of
// its whole units.
func inspect265(payload []byte, whole func(unit []byte)) (c h264.Content, slices int) {
	add := func(kind byte, begins, ends bool, body []byte) {
		c |= content265(kind, begins, body)
		if kind <= hevcLastVCL && ends {
			slices++
		}
	}
	switch {
	case len(payload) < 3:
		return h264.Invalid, 0
	case kind265(payload) == hevcFU:
		header := payload[2]
		add(header&0x3f, header&0x80 != 0, header&0x40 != 0, payload[3:])
	case kind265(payload) == hevcAP:
		for rest := payload[2:]; len(rest) > 0; {
			if len(rest) < 5 || int(binary.BigEndian.Uint16(rest)) > len(rest)-2 || binary.BigEndian.Uint16(rest) < 3 {
				return c | h264.Invalid, slices
			}
			n := int(binary.BigEndian.Uint16(rest))
			unit := rest[2 : 2+n]
			rest = rest[2+n:]
			add(kind265(unit), true, true, unit[2:])
			whole(unit)
		}
	default:
		add(kind265(payload), true, true, payload[2:])
		whole(payload)
	}
	return c, slices
}

func kind265(unit []byte) byte { return unit[0] >> 1 & 0x3f }

// content265 is what a unit of this kind is; body follows its header, and with begins unset is a later fragment.
func content265(kind byte, begins bool, body []byte) h264.Content {
	switch {
	case kind == hevcVPS, kind == hevcSPS:
		return h264.SPS
	case kind == hevcPPS:
		return h264.PPS
	case kind == hevcAUD:
		return h264.AUD
	case kind == hevcPrefixSEI:
		return h264.SEI
	case kind > hevcLastVCL:
		return 0
	}
	found := h264.Slice
	if kind >= hevcFirstIRAP && kind <= hevcLastIRAP {
		found = h264.IDR
	}
	if begins && len(body) > 0 && body[0]&0x80 != 0 { // first_slice_segment_in_pic_flag
		found |= h264.FirstSlice
	}
	return found
}

// describe265 says the same of H.265 as h264.Format.String does of H.264.
func describe265(sps *h265.SPS) string {
	tier := sps.ProfileTierLevel
	profile := map[uint8]string{1: "Main", 2: "Main 10", 3: "Main Still Picture", 4: "Range Extensions"}[tier.GeneralProfileIdc]
	if profile == "" {
		profile = fmt.Sprintf("profile %d", tier.GeneralProfileIdc)
	}
	level := strconv.FormatFloat(math.Round(float64(tier.GeneralLevelIdc)/3)/10, 'f', 1, 64) // thirty times the level
	return fmt.Sprintf("%s, level %s, %dx%d", profile, level, sps.Width(), sps.Height())
}

// reorders tells whether pictures may be shown in another order than they come.
func reorders(sps *h265.SPS) bool {
	n := len(sps.MaxNumReorderPics)
	return n > 0 && sps.MaxNumReorderPics[n-1] > 0
}
