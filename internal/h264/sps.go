package h264

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// A Format is what a sequence parameter set says of the video. Two of them are the same video if they are equal.
type Format struct {
	Profile     uint8 // profile_idc
	Constraints uint8 // the constraint_set flags as they stand in the byte, constraint_set0 at the top
	Level       uint8 // level_idc, ten times the level

	Width, Height int     // of the picture that is shown, in pixels
	FPS           float64 // pictures per second; 0 when it does not say
	Interlaced    bool    // pictures may be coded as two fields

	Chroma   uint8 // chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
	BitDepth uint8 // of a sample, the larger of luma and chroma
	Lossless bool  // it may turn the transform off

	ReorderFrames int   // max_num_reorder_frames; -1 when it does not say
	PictureOrder  uint8 // pic_order_cnt_type; with 2 pictures are shown in the order they come

	FrameNumBits     uint8 // log2_max_frame_num
	PictureOrderBits uint8 // log2_max_pic_order_cnt_lsb; 0 unless PictureOrder is 0
}

// Limits of level 6.2, the highest there is (ITU-T H.264 table A-1), and of reason.
const (
	maxSPS         = 4096    // bytes; with all lists and tables a real one has less than 1000
	maxMacroblocks = 139_264 // of a picture
	maxAcross      = 1055    // macroblocks in a row or a column
	maxFPS         = 1000
)

// ParseSPS reads a sequence parameter set (ITU-T H.264 section 7.3.2.1.1): a NAL unit, with or without a start code before it. The
// usability information at its end may be damaged, as some cameras leave it; then what it says counts as not said.
func ParseSPS(nal []byte) (Format, error) {
	var unit []byte
	EachAnnexB(nal, func(u []byte) {
		if unit == nil {
			unit = u
		}
	})
	switch {
	case len(unit) < 4:
		return Format{}, fmt.Errorf("reading an SPS: %d bytes are too few", len(unit))
	case len(unit) > maxSPS:
		return Format{}, fmt.Errorf("reading an SPS: %d bytes are too many", len(unit))
	}
	var raw h264.SPS
	if err := raw.Unmarshal(unit); err != nil {
		if raw.VUI == nil { // which comes last
			return Format{}, fmt.Errorf("reading an SPS: %w", err)
		}
		raw.VUI.BitstreamRestriction = nil
	}
	if err := check(&raw); err != nil {
		return Format{}, fmt.Errorf("reading an SPS: %w", err)
	}
	f := formatOf(&raw)
	f.Constraints = unit[2]
	return f, nil
}

// check finds values that no camera means, before anything is computed from them.
func check(raw *h264.SPS) error {
	wide, high := uint64(raw.PicWidthInMbsMinus1)+1, uint64(raw.PicHeightInMapUnitsMinus1)+1
	if !raw.FrameMbsOnlyFlag {
		high *= 2
	}
	if wide > maxAcross || high > maxAcross || wide*high > maxMacroblocks {
		return fmt.Errorf("a picture of %d x %d macroblocks is more than any level allows", wide, high)
	}
	if c := raw.FrameCropping; c != nil {
		for _, offset := range []uint32{c.LeftOffset, c.RightOffset, c.TopOffset, c.BottomOffset} {
			if offset > 16*maxAcross {
				return errors.New("more is cropped than there is")
			}
		}
		if w, h := raw.Width(), raw.Height(); w <= 0 || h <= 0 || w > 16*maxAcross || h > 16*maxAcross { // the library lets it wrap
			return errors.New("nothing is left after cropping")
		}
	}
	for _, field := range []struct {
		name       string
		value, max uint32
	}{
		{"seq_parameter_set_id", raw.ID, 31},
		{"chroma_format_idc", raw.ChromaFormatIdc, 3},
		{"bit_depth_luma_minus8", raw.BitDepthLumaMinus8, 6},
		{"bit_depth_chroma_minus8", raw.BitDepthChromaMinus8, 6},
		{"log2_max_frame_num_minus4", raw.Log2MaxFrameNumMinus4, 12},
		{"log2_max_pic_order_cnt_lsb_minus4", raw.Log2MaxPicOrderCntLsbMinus4, 12},
	} {
		if field.value > field.max {
			return fmt.Errorf("%s is %d, and at most %d is allowed", field.name, field.value, field.max)
		}
	}
	return nil
}

// formatOf needs a raw that was checked.
func formatOf(raw *h264.SPS) Format {
	f := Format{
		Profile: raw.ProfileIdc, Level: raw.LevelIdc,
		Width: raw.Width(), Height: raw.Height(), Interlaced: !raw.FrameMbsOnlyFlag,
		Chroma: uint8(raw.ChromaFormatIdc), BitDepth: uint8(8 + max(raw.BitDepthLumaMinus8, raw.BitDepthChromaMinus8)),
		Lossless:      raw.QpprimeYZeroTransformBypassFlag,
		ReorderFrames: -1, PictureOrder: uint8(raw.PicOrderCntType), FrameNumBits: uint8(raw.Log2MaxFrameNumMinus4 + 4),
	}
	if f.PictureOrder == 0 {
		f.PictureOrderBits = uint8(raw.Log2MaxPicOrderCntLsbMinus4 + 4)
	}
	if raw.VUI == nil {
		return f
	}
	if fps := raw.FPS(); fps > 0 && fps <= maxFPS { // it may be infinite or no number
		f.FPS = fps
	}
	if r := raw.VUI.BitstreamRestriction; r != nil && r.MaxNumReorderFrames <= 16 {
		f.ReorderFrames = int(r.MaxNumReorderFrames)
	}
	return f
}
