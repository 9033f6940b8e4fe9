package h264

import (
	"fmt"
	"math"
	"strconv"
)

// Values of profile_idc (ITU-T H.264 annex A) and of the constraint flags that make two profiles of one.
const (
	profileCAVLC444 = 44
	profileBaseline = 66
	profileMain     = 77
	profileExtended = 88
	profileHigh     = 100
	profileHigh10   = 110
	profileHigh422  = 122
	profileHigh444  = 244

	constraintSet1 = 0x40
	constraintSet3 = 0x10
)

// ProfileLevelID returns the three bytes of the SPS in the form of SDP (RFC 6184 section 8.1), such as 4d0028.
func (f Format) ProfileLevelID() string {
	return fmt.Sprintf("%02x%02x%02x", f.Profile, f.Constraints, f.Level)
}

// String describes the video to people: "Main, level 4.0, 1920x1080, 30 fps".
func (f Format) String() string {
	text := fmt.Sprintf("%s, level %s, %dx%d", f.profile(), f.level(), f.Width, f.Height)
	if f.Interlaced {
		text += " interlaced"
	}
	if f.FPS > 0 {
		text += ", " + strconv.FormatFloat(math.Round(f.FPS*100)/100, 'f', -1, 64) + " fps"
	}
	return text
}

func (f Format) profile() string {
	switch f.Profile {
	case profileBaseline:
		if f.Constraints&constraintSet1 != 0 {
			return "Constrained Baseline"
		}
		return "Baseline"
	case profileMain:
		return "Main"
	case profileExtended:
		return "Extended"
	case profileHigh:
		return "High"
	case profileHigh10:
		return "High 10"
	case profileHigh422:
		return "High 4:2:2"
	case profileHigh444:
		return "High 4:4:4 Predictive"
	case profileCAVLC444:
		return "CAVLC 4:4:4 Intra"
	}
	return fmt.Sprintf("profile %d", f.Profile)
}

func (f Format) level() string {
	old := f.Profile == profileBaseline || f.Profile == profileMain || f.Profile == profileExtended
	if f.Level == 9 || old && f.Level == 11 && f.Constraints&constraintSet3 != 0 {
		return "1b"
	}
	return fmt.Sprintf("%d.%d", f.Level/10, f.Level%10)
}

// Passable returns nil when every decoder of a room can be expected to decode the video, and otherwise why not. About B-frames ask Reorders.
func (f Format) Passable() error {
	switch {
	case f.Chroma == 0:
		return fmt.Errorf("the video is grey without colour planes (4:0:0, %s)", f.profile())
	case f.Chroma > 1:
		return fmt.Errorf("the colours are %s (%s), and receivers decode 4:2:0 only", [...]string{2: "4:2:2", 3: "4:4:4"}[f.Chroma], f.profile())
	case f.BitDepth > 8:
		return fmt.Errorf("samples have %d bits (%s), and receivers decode 8 only", f.BitDepth, f.profile())
	case f.Lossless:
		return fmt.Errorf("the video is lossless (%s), which receivers do not decode", f.profile())
	}
	switch f.Profile {
	case profileBaseline, profileMain, profileHigh:
		return nil
	}
	return fmt.Errorf("receivers do not decode %s, only Baseline, Main and High", f.profile())
}

// An Order says whether pictures are shown in the order in which they come.
type Order int

// What an SPS may say of the order.
const (
	OrderUnknown Order = iota // it does not say
	OrderKept                 // they are
	OrderChanged              // a decoder must expect B-frames, and wait for them
)

// Order returns what the SPS says of the order of pictures (ITU-T H.264 sections A.2.1, 8.2.1 and E.2.1).
func (f Format) Order() Order {
	switch {
	case f.Profile == profileBaseline, f.PictureOrder == 2, f.ReorderFrames == 0:
		return OrderKept
	case f.ReorderFrames > 0:
		return OrderChanged
	}
	return OrderUnknown
}

// Reorders tells whether the video has B-frames that change the order of pictures, which a room cannot show, by what was seen of it so
// far. An SPS that merely allows another order than that of arrival proves nothing: many cameras say so and keep it.
func (f Format) Reorders(seen Content) bool { return seen.Has(BSlice) && f.Order() != OrderKept }
