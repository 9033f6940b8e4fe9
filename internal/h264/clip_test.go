package h264

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// testdata has ten pictures of 64x64 of each kind, made by ffmpeg from its testsrc:
//
//	bframes.h264  libx264, Main, two B-frames between the others
//	slices.h264   libx264, Baseline, three slices a picture, access unit delimiters, two key frames
//	main.h265     libx265, two key frames
func clip(tb testing.TB, name string) (units [][]byte) {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	EachAnnexB(raw, func(u []byte) { units = append(units, u) })
	return units
}

// pictures divides the units of a clip at its first slices.
func pictures(units [][]byte) (all [][][]byte) {
	var picture [][]byte
	sliced := false
	for _, u := range units {
		content := Inspect(u)
		if sliced && (content.Has(FirstSlice) || !content.Has(IDR|Slice)) {
			all, picture, sliced = append(all, picture), nil, false
		}
		picture = append(picture, u)
		sliced = sliced || content.Has(IDR|Slice)
	}
	return append(all, picture)
}

// packets packs units as an RTP server does that is not ours.
func packets(tb testing.TB, size int, units [][]byte) []*rtp.Packet {
	tb.Helper()
	encoder := &rtph264.Encoder{PayloadType: 96, PayloadMaxSize: size, PacketizationMode: 1}
	if err := encoder.Init(); err != nil {
		tb.Fatal(err)
	}
	all, err := encoder.Encode(units)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func packets265(tb testing.TB, size int, units [][]byte) []*rtp.Packet {
	tb.Helper()
	encoder := &rtph265.Encoder{PayloadType: 96, PayloadMaxSize: size}
	if err := encoder.Init(); err != nil {
		tb.Fatal(err)
	}
	all, err := encoder.Encode(units)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// escape makes the body of a unit of any bytes: it puts in the emulation prevention bytes of ITU-T H.264 section 7.3.1.
func escape(raw []byte) []byte {
	var body []byte
	zeros := 0
	for _, b := range raw {
		if zeros == 2 && b <= 3 {
			body, zeros = append(body, 3), 0
		}
		body = append(body, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return body
}

// someUnit draws a well-formed NAL unit in which zeros abound.
func someUnit(headers ...byte) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		raw := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte{0, 0, 1, 2, 3}), rapid.Byte()), 1, 60).Draw(t, "body")
		body := append(escape(raw), 0x80)
		return append([]byte{rapid.SampledFrom(headers).Draw(t, "header")}, body...)
	})
}

func sameUnits(t rapid.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d units became %d\ngot  %x\nwant %x", len(want), len(got), got, want)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("unit %d changed:\ngot  %x\nwant %x", i, got[i], want[i])
		}
	}
}
