package ingest_test

import (
	"bytes"
	"slices"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"pgregory.net/rapid"
)

// A film is what a camera shows: pictures as rows of NAL units.
type film [][][]byte

// Parameter sets of a camera whose pictures come in the order in which they are shown: Baseline, 64x64.
var (
	sps = []byte{0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x04, 0x26, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0x52, 0x3c, 0x48, 0x99, 0x20}
	pps = []byte{0x68, 0xcb, 0x80, 0xe4, 0xb2}
)

// slice makes a unit: first_mb_in_slice is 0 for the first of a picture, slice_type is P.
func slice(header byte, first bool, body []byte) []byte {
	fields := byte(0xe0) // 1 1: first_mb_in_slice 0, slice_type 0
	if !first {
		fields = 0x58 // 010 1: first_mb_in_slice 1, slice_type 0
	}
	return append([]byte{header, fields}, body...)
}

// body draws what may stand in a unit: no start codes, no zeros at the end.
func body(t *rapid.T, most int) []byte {
	raw := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte{0, 0, 1, 2, 3}), rapid.Byte()), 1, 40).Draw(t, "body")
	var escaped []byte
	for zeros := 0; len(escaped) < most; {
		for _, b := range raw {
			if zeros >= 2 && b <= 3 {
				escaped, zeros = append(escaped, 3), 0
			}
			escaped = append(escaped, b)
			if zeros++; b != 0 {
				zeros = 0
			}
		}
		if escaped = append(escaped, 0x55); zeros > 0 {
			zeros = 0
		}
	}
	return append(escaped, 0x80)
}

// someFilm draws pictures with everything that may stand in them; the first is a key frame.
func someFilm(t *rapid.T) film {
	var f film
	slicesEach, filler := rapid.IntRange(1, 3).Draw(t, "slices"), rapid.Bool().Draw(t, "filler")
	for n := range rapid.IntRange(4, 12).Draw(t, "pictures") {
		header := byte(0x41)
		key := n == 0 || rapid.IntRange(0, 3).Draw(t, "key") == 0
		var picture [][]byte
		if rapid.Bool().Draw(t, "delimiter") {
			picture = append(picture, []byte{0x09, 0xf0})
		}
		if key {
			header = 0x65
			picture = append(picture, sps, pps)
		}
		if rapid.Bool().Draw(t, "sei") {
			picture = append(picture, append([]byte{0x06, 0x05}, body(t, rapid.SampledFrom([]int{10, 3000}).Draw(t, "size of sei"))...))
		}
		for i := range slicesEach {
			picture = append(picture, slice(header, i == 0, body(t, rapid.SampledFrom([]int{5, 900, 1400, 9000, 30_000}).Draw(t, "size"))))
		}
		if filler {
			picture = append(picture, []byte{0x0c, 0xff, 0x80})
		}
		f = append(f, picture)
	}
	return f
}

var (
	oneByOne = []string{"single", "padded", "fragments", "whole fragment"}
	together = append([]string{"bundle", "byte stream"}, oneByOne...)
)

// packetize wraps the units of a picture, in one of the ways in which cameras do.
func packetize(t *rapid.T, picture [][]byte, ways []string) (payloads [][]byte) {
	for at := 0; at < len(picture); {
		unit := picture[at]
		at++
		switch rapid.SampledFrom(ways).Draw(t, "wrapping") {
		case "padded":
			payloads = append(payloads, append(bytes.Clone(unit), 0, 0, 0))
		case "bundle":
			n := min(rapid.IntRange(1, 4).Draw(t, "bundled"), len(picture)-at+1)
			bundle := h264.Aggregate(nil, 60_000, picture[at-1:at-1+n]...)
			if bundle == nil {
				payloads = append(payloads, unit)
				continue
			}
			payloads = append(payloads, bundle)
			at += n - 1
		case "fragments":
			if len(unit) < 8 {
				payloads = append(payloads, unit)
				continue
			}
			size := rapid.SampledFrom([]int{8, 500, 1200, 1400, 10_000}).Draw(t, "size of fragments")
			h264.NewCutter(max(size, len(unit)/200)).Cut(unit, func(p []byte, _ bool) { payloads = append(payloads, bytes.Clone(p)) })
		case "byte stream":
			n := min(rapid.IntRange(1, 4).Draw(t, "in one payload"), len(picture)-at+1)
			var stream []byte
			for _, u := range picture[at-1 : at-1+n] {
				stream = append(append(stream, 0, 0, 0, 1), u...)
			}
			payloads = append(payloads, stream)
			at += n - 1
		case "whole fragment":
			payloads = append(payloads, append([]byte{unit[0]&^0x1f | 28, 0xc0 | unit[0]&0x1f}, unit[1:]...))
		default:
			payloads = append(payloads, unit)
		}
	}
	return payloads
}

// habits are those of a camera.
type habits struct{ markers, clock string }

// packets makes the packets of a film, as a camera of these habits sends them.
func (h habits) packets(t *rapid.T, f film) (all [][]camera.Packet) {
	timestamp, ways := uint32(1<<32-9000), together
	if h.markers == "on each packet" || h.markers == "on each slice" {
		ways = oneByOne // by these it is found out in its first picture, or never has to be
	}
	for n, picture := range f {
		var row []camera.Packet
		payloads := packetize(t, picture, ways)
		for i, payload := range payloads {
			last := i == len(payloads)-1
			p := camera.Packet{Payload: payload, Timestamp: timestamp}
			switch h.markers {
			case "right":
				p.Marker = last
			case "on each packet":
				p.Marker = true
			case "on each slice":
				p.Marker = h264.Inspect(payload).Has(h264.SliceEnd)
			case "on some pictures":
				p.Marker = last && n%3 == 0
			}
			row = append(row, p)
		}
		all = append(all, row)
		if h.clock != "stands still" {
			timestamp += 3000
		}
	}
	return all
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
