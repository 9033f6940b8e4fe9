package h264

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// The SPS of libx264; what they mean was asked of ffprobe.
const (
	spsMain       = "674d4028eca03c0113f2e022000003000200000300781e30632c"
	spsLowDelay   = "67640029acb200f0044fcb8088000003000800000301e478c19240"
	spsBaseline   = "6742c01fd9005005bb011000003e90000ea600f1832480"
	sps422        = "677a001ebcd940a02ff89c0440000003004000000c83c58b6580"
	sps10         = "676e001ea6cd940a02ff97011000000300100000030320f162d960"
	sps444        = "67f4001e919b281405ff1380880000030008000003019078b16cb0"
	spsLossless   = "67f4001eaeb201405ff2e022000003000200000300641e2c5c90"
	spsGrey       = "6764001ef3650280bfe27016c80000030008000003019078b16cb0"
	spsInterlaced = "6764001eacd940b424d8088000000300800000190f8a14cb"
	spsScaling    = "6764001eacd940a02ff97011000003000100000300320f162d96"
	spsTiming     = "6764001eacd940a02ff9701100000300010000030032602001e840007a13930c01e2c5b2c0"
	spsLevel1b    = "6742d00bd902c4ec0440000003004000000783c48992"
)

func TestParseSPS(t *testing.T) {
	for name, tc := range map[string]struct {
		sps, text, profileLevelID string
		order                     Order
		reorder                   int
		refusal                   string // a part of it
	}{
		"main":       {spsMain, "Main, level 4.0, 1920x1080, 30 fps", "4d4028", OrderChanged, 2, ""},
		"low delay":  {spsLowDelay, "High, level 4.1, 1920x1080, 30 fps", "640029", OrderKept, 0, ""},
		"baseline":   {spsBaseline, "Constrained Baseline, level 3.1, 1280x720, 29.97 fps", "42c01f", OrderKept, 0, ""},
		"4:2:2":      {sps422, "High 4:2:2, level 3.0, 640x360, 25 fps", "7a001e", OrderChanged, 2, "colours are 4:2:2"},
		"10 bit":     {sps10, "High 10, level 3.0, 640x360, 25 fps", "6e001e", OrderChanged, 2, "10 bits"},
		"4:4:4":      {sps444, "High 4:4:4 Predictive, level 3.0, 640x360, 25 fps", "f4001e", OrderChanged, 2, "colours are 4:4:4"},
		"lossless":   {spsLossless, "High 4:4:4 Predictive, level 3.0, 640x360, 25 fps", "f4001e", OrderKept, 0, "lossless"},
		"grey":       {spsGrey, "High, level 3.0, 640x360, 25 fps", "64001e", OrderChanged, 2, "grey"},
		"interlaced": {spsInterlaced, "High, level 3.0, 720x576 interlaced, 25 fps", "64001e", OrderChanged, 2, ""},
		"scaling":    {spsScaling, "High, level 3.0, 640x360, 25 fps", "64001e", OrderChanged, 2, ""},
		"buffering":  {spsTiming, "High, level 3.0, 640x360, 25 fps", "64001e", OrderChanged, 2, ""},
		"level 1b":   {spsLevel1b, "Constrained Baseline, level 1b, 176x144, 15 fps", "42d00b", OrderKept, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := ParseSPS(unhex(t, tc.sps))
			if err != nil {
				t.Fatal(err)
			}
			if f.String() != tc.text || f.ProfileLevelID() != tc.profileLevelID {
				t.Errorf("got %q and %s, want %q and %s", f, f.ProfileLevelID(), tc.text, tc.profileLevelID)
			}
			if f.Order() != tc.order || f.ReorderFrames != tc.reorder {
				t.Errorf("got order %d with %d frames, want %d with %d", f.Order(), f.ReorderFrames, tc.order, tc.reorder)
			}
			refusal := f.Passable()
			if (tc.refusal == "") != (refusal == nil) || refusal != nil && !strings.Contains(refusal.Error(), tc.refusal) {
				t.Errorf("got refusal %v, want one of %q", refusal, tc.refusal)
			}
		})
	}
}

func TestParseSPSReadsTheLengthsOfFields(t *testing.T) {
	f, err := ParseSPS(clip(t, "slices.h264")[1])
	if err != nil {
		t.Fatal(err)
	}
	want := Format{
		Profile: 66, Constraints: 0xc0, Level: 10, Width: 64, Height: 64, FPS: 10, Chroma: 1, BitDepth: 8,
		PictureOrder: 2, FrameNumBits: 4, ReorderFrames: 0,
	}
	if f != want {
		t.Errorf("got %+v, want %+v", f, want)
	}
	f, err = ParseSPS(clip(t, "bframes.h264")[0])
	if err != nil || f.PictureOrder != 0 || f.FrameNumBits != 4 || f.PictureOrderBits != 6 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestParseSPSWithStartCodeAndPadding(t *testing.T) {
	sps := unhex(t, spsMain)
	want, _ := ParseSPS(sps)
	for name, raw := range map[string][]byte{
		"start code":         append([]byte{0, 0, 0, 1}, sps...),
		"short start code":   append([]byte{0, 0, 1}, sps...),
		"zeros":              append(bytes.Clone(sps), 0, 0),
		"a PPS comes behind": append(bytes.Clone(sps), 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80),
	} {
		if got, err := ParseSPS(raw); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestParseSPSKeepsWhatPrecedesADamagedEnd(t *testing.T) {
	sps := unhex(t, spsMain)
	got, err := ParseSPS(sps[:len(sps)-3])
	if err != nil {
		t.Fatal(err)
	}
	if got.Width != 1920 || got.FPS != 30 || got.ReorderFrames != -1 || got.Order() != OrderUnknown {
		t.Errorf("got %+v", got)
	}
}

func TestParseSPSRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  []byte
		want string
	}{
		"nothing":      {nil, "too few"},
		"a PPS":        {unhex(t, "68ebe0e4b2"), "not a SPS"},
		"a header":     {unhex(t, "674d4028"), "not enough bits"},
		"a novel":      {append(unhex(t, spsMain), bytes.Repeat([]byte{0xff}, 5000)...), "too many"},
		"huge":         {fields{wide: 5000, high: 5000}.sps(), "more than any level"},
		"too wide":     {fields{wide: 1056, high: 1}.sps(), "more than any level"},
		"too high":     {fields{wide: 1, high: 1056}.sps(), "more than any level"},
		"too many":     {fields{wide: 400, high: 400}.sps(), "more than any level"},
		"two of them":  {fields{wide: 300, high: 300, interlaced: true}.sps(), "more than any level"},
		"cropped away": {fields{wide: 4, high: 4, crop: 40}.sps(), "nothing is left"},
		"cropped more": {fields{wide: 4, high: 4, crop: 1<<31 - 30}.sps(), "more is cropped"},
		"no such id":   {fields{id: 32, wide: 4, high: 4}.sps(), "seq_parameter_set_id"},
		"no such size": {fields{frameNum: 13, wide: 4, high: 4}.sps(), "log2_max_frame_num_minus4"},
	} {
		if got, err := ParseSPS(tc.raw); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %+v, %v; want %q", name, got, err, tc.want)
		}
	}
}

// fields are those of a Baseline SPS.
type fields struct {
	id, frameNum uint32
	wide, high   uint32 // in macroblocks
	interlaced   bool
	crop         uint32 // pairs of columns
	ticks, scale uint32 // num_units_in_tick, time_scale
	reorder      int    // max_num_reorder_frames, when above 0
}

func (f fields) sps() []byte {
	w := &bitWriter{}
	for _, v := range []uint32{f.id, f.frameNum, 2, 1} { // pic_order_cnt_type, max_num_ref_frames
		w.exponential(v)
	}
	w.bit(0) // gaps_in_frame_num_value_allowed_flag
	w.exponential(f.wide - 1)
	w.exponential(f.high - 1)
	w.bit(uint32(one(!f.interlaced)))
	if f.interlaced {
		w.bit(0) // mb_adaptive_frame_field_flag
	}
	w.bit(1) // direct_8x8_inference_flag
	w.bit(1) // frame_cropping_flag
	for _, v := range []uint32{f.crop, 0, 0, 0} {
		w.exponential(v)
	}
	w.bit(1) // vui_parameters_present_flag
	f.vui(w)
	w.bit(1) // rbsp_stop_one_bit
	return append([]byte{0x67, 0x42, 0xc0, 0x1f}, escape(w.data)...)
}

func (f fields) vui(w *bitWriter) {
	for range 4 { // of shape, overscan, signal and chroma it says nothing
		w.bit(0)
	}
	w.bit(1)
	for _, v := range []uint32{f.ticks, f.scale} {
		for i := 31; i >= 0; i-- {
			w.bit(v >> i & 1)
		}
	}
	for range 4 { // fixed_frame_rate_flag, buffering of NAL and VCL, pic_struct_present_flag
		w.bit(0)
	}
	w.bit(uint32(one(f.reorder > 0)))
	if f.reorder > 0 {
		w.bit(0)
		for _, v := range []uint32{0, 0, 0, 0, uint32(f.reorder), 16} {
			w.exponential(v)
		}
	}
}

func TestParseSPSCrops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint32Range(1, 373).Draw(t, "size")
		crop := rapid.Uint32Range(0, size*8-1).Draw(t, "crop")
		got, err := ParseSPS(fields{wide: size, high: size, crop: crop}.sps())
		if err != nil {
			t.Fatal(err)
		}
		if got.Width != int(size*16-2*crop) || got.Height != int(size*16) {
			t.Fatalf("got %+v", got)
		}
	})
}

func TestParseSPSDoesNotBelieveEverything(t *testing.T) {
	for name, tc := range map[string]struct {
		fields  fields
		fps     float64
		reorder int
	}{
		"ordinary":       {fields{ticks: 1, scale: 50, reorder: 3}, 25, 3},
		"no time":        {fields{ticks: 0, scale: 50}, 0, -1},
		"no time at all": {fields{ticks: 0, scale: 0}, 0, -1},
		"very fast":      {fields{ticks: 1, scale: 90_000}, 0, -1},
		"all of them":    {fields{ticks: 1, scale: 50, reorder: 16}, 25, 16},
		"more than that": {fields{ticks: 1, scale: 50, reorder: 17}, 25, -1},
	} {
		tc.fields.wide, tc.fields.high = 40, 30
		got, err := ParseSPS(tc.fields.sps())
		if err != nil || got.FPS != tc.fps || got.ReorderFrames != tc.reorder {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestReordersTrustsTheSPSToKeepTheOrderOnly(t *testing.T) {
	main := Format{Profile: profileMain, ReorderFrames: -1}
	kept, changed := main, main
	kept.ReorderFrames, changed.ReorderFrames = 0, 1
	baseline := Format{Profile: profileBaseline, ReorderFrames: -1}
	steady := main
	steady.PictureOrder = 2
	for name, tc := range map[string]struct {
		format Format
		seen   Content
		want   bool
	}{
		"announced, not seen":      {changed, Slice, false},
		"announced, seen":          {changed, Slice | BSlice, true},
		"excluded":                 {kept, Slice | BSlice, false},
		"excluded by profile":      {baseline, Slice | BSlice, false},
		"excluded by output order": {steady, Slice | BSlice, false},
		"unknown, not seen":        {main, Slice | IDR, false},
		"unknown, seen":            {main, Slice | BSlice, true},
	} {
		if got := tc.format.Reorders(tc.seen); got != tc.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestFormatNamesTheProfile(t *testing.T) {
	for profile, want := range map[uint8]string{88: "Extended", 110: "High 10", 44: "CAVLC 4:4:4", 118: "profile 118"} {
		f := Format{Profile: profile, Chroma: 1, BitDepth: 8}
		if err := f.Passable(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("profile %d: got %v", profile, err)
		}
	}
	if err := (Format{Profile: profileHigh10, Chroma: 1, BitDepth: 9}).Passable(); err == nil || !strings.Contains(err.Error(), "9 bits") {
		t.Errorf("9 bits: got %v", err)
	}
	for text, f := range map[string]Format{
		"Baseline, level 3.1, 8x4": {Profile: profileBaseline, Level: 31, Width: 8, Height: 4},
		"High, level 1b, 8x4":      {Profile: profileHigh, Level: 9, Width: 8, Height: 4},
		"High, level 1.1, 8x4":     {Profile: profileHigh, Level: 11, Constraints: constraintSet3, Width: 8, Height: 4},
	} {
		if f.String() != text {
			t.Errorf("got %q, want %q", f, text)
		}
	}
}

func FuzzParseSPS(f *testing.F) {
	for _, sps := range []string{spsMain, spsLowDelay, spsBaseline, sps422, sps10, sps444, spsGrey, spsInterlaced, spsScaling, spsTiming, spsLevel1b} {
		f.Add(unhex(f, sps))
	}
	f.Add(fields{wide: 373, high: 100, interlaced: true, crop: 12, ticks: 1, scale: 60, reorder: 1}.sps())
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseSPS(raw)
		if err != nil {
			if got != (Format{}) {
				t.Fatalf("%+v beside %v", got, err)
			}
			return
		}
		if got.Width < 1 || got.Height < 1 || got.Width > 16*maxAcross || got.Height > 16*maxAcross || !(got.FPS >= 0 && got.FPS <= maxFPS) {
			t.Fatalf("%+v", got)
		}
		if got.BitDepth < 8 || got.BitDepth > 14 || got.ReorderFrames < -1 || got.ReorderFrames > 16 || got.FrameNumBits > 16 || got.PictureOrderBits > 16 {
			t.Fatalf("%+v", got)
		}
		if got.String() == "" || len(got.ProfileLevelID()) != 6 {
			t.Fatalf("%q, %q", got, got.ProfileLevelID())
		}
		if got.Reorders(Slice) {
			t.Fatalf("B-frames out of nothing: %+v", got)
		}
		if err := got.Passable(); err == nil && (got.Chroma != 1 || got.BitDepth != 8) {
			t.Fatalf("passable: %+v", got)
		}
	})
}
