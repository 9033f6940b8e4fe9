package bytestream

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A Form is how video is written down.
type Form string

// The forms that can be told by their first bytes.
const (
	Undecided Form = ""        // more bytes are needed
	AnnexB    Form = "annex B" // a byte stream of H.264 or H.265
	MPEGTS    Form = "MPEG-TS"
	MP4       Form = "MP4"
	JPEG      Form = "JPEG"
	Other     Form = "other" // see Describe
)

// Enough is how many bytes Recognize needs at the most.
const Enough = 2 * tsPacket

// Recognize tells the form of what begins with head.
func Recognize(head []byte) Form {
	switch {
	case len(head) < 12:
		return Undecided
	case isMP4(head):
		return MP4
	case bytes.HasPrefix(head, []byte{0xff, 0xd8, 0xff}):
		return JPEG
	case isAnnexB(head):
		return AnnexB
	case head[0] != tsSync:
		return Other
	case len(head) <= tsPacket:
		return Undecided
	case head[tsPacket] == tsSync:
		return MPEGTS
	}
	return Other
}

func isMP4(head []byte) bool {
	switch string(head[4:8]) {
	case "ftyp", "moov", "mdat", "styp", "wide", "free", "skip":
		return head[0] == 0
	}
	return false
}

// isAnnexB wants a start code, some zeros before it perhaps, and a unit whose forbidden bit is not set, as that of MPEG-1 and MPEG-2 is.
func isAnnexB(head []byte) bool {
	const most = 8 // zeros before it
	at := bytes.Index(head[:most+len(startCode)], startCode)
	return at >= 0 && allZero(head[:at]) && head[at+3] < 0x80 && head[at+3] != 0
}

// CodecOf tells whether a byte stream that begins with head is H.264 or H.265, "" while that is not certain.
func CodecOf(head []byte) camera.Codec {
	var sniffer h264.Sniffer
	sniffer.Add(head)
	codec, certain := sniffer.Codec()
	switch {
	case !certain:
		return ""
	case codec == h264.H265:
		return camera.H265
	}
	return camera.H264
}

// magics are what other kinds of file begin with.
var magics = []struct{ begins, name string }{
	{"\x1a\x45\xdf\xa3", "Matroska or WebM"},
	{"FLV\x01", "FLV"},
	{"DKIF", "IVF"},
	{"YUV4MPEG2", "raw pictures (YUV4MPEG2)"},
	{"\x89PNG", "PNG"},
	{"GIF8", "GIF"},
	{"OggS", "Ogg"},
	{"\x30\x26\xb2\x75", "ASF or WMV"},
	{"\x00\x00\x01\xba", "an MPEG program stream"},
	{"\x00\x00\x01\xb3", "MPEG-1 or MPEG-2 video"},
	{"\x00\x00\x01\xb0", "MPEG-4 part 2 video"},
	{"\x12\x00\x0a", "AV1"},
	{"\x7fELF", "a program"},
	{"\x1f\x8b", "compressed data (gzip)"},
}

// Describe tells in words what begins with head, for what Recognize does not take for video that is wanted.
func Describe(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.begins)) {
			return m.name
		}
	}
	if len(head) >= 12 && string(head[:4]) == "RIFF" {
		if name := map[string]string{"AVI ": "AVI", "WAVE": "sound (WAV)", "WEBP": "WebP"}[string(head[8:12])]; name != "" {
			return name
		}
	}
	if len(head) > 196 && head[4] == tsSync && head[196] == tsSync {
		return "MPEG-TS as camcorders write it (M2TS)"
	}
	switch form := Recognize(head); form {
	case Undecided, Other:
	default:
		return string(form)
	}
	if line := textOf(head); line != "" {
		return fmt.Sprintf("text (%q)", line)
	}
	return fmt.Sprintf("nothing we know (it begins with % x)", head[:min(len(head), 12)])
}

// textOf returns the first line of what is text, "" of what is none.
func textOf(head []byte) string {
	const most = 120
	line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	text := string(bytes.TrimSpace(line[:min(len(line), most)]))
	for i, r := range text {
		if r == utf8.RuneError && i < len(text)-utf8.UTFMax || r != '\t' && unicode.IsControl(r) && r != '\x1b' {
			return ""
		}
	}
	return text
}
