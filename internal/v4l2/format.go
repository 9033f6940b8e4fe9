package v4l2

import (
	"unsafe"
)

// maxPlanes is how many planes of memory a picture may have (VIDEO_MAX_PLANES).
const maxPlanes = 8

// A Plane is one piece of memory of a picture.
type Plane struct {
	Stride int // bytes from the beginning of a line to that of the next; 0 for what has no lines. More than the width takes where lines are padded
	Size   int // bytes; of what is compressed, the most that a picture takes
}

// A Format is how pictures lie in memory.
type Format struct {
	FourCC        FourCC
	Width, Height int // pixels
	// Planes is one for nearly everything: NV12 and I420 have their parts one after the other in one plane. Where a driver's strides of the parts
	// are not said, they follow from that of the first: half of it for the U and V of I420, the same for the UV of NV12.
	Planes     []Plane
	Interlaced bool // lines of two moments: what an analogue camera sends
}

// A FormatDescription is one format that a device offers.
type FormatDescription struct {
	FourCC      FourCC
	Description string
	Compressed  bool
	Emulated    bool // converted by software on the way; another one is cheaper
}

// Formats lists what one side of a device offers, in the driver's order. A side that does not exist is EINVAL.
func (d *Device) Formats(s Side) ([]FormatDescription, error) {
	const compressed, emulated = 1, 2
	var all []FormatDescription
	err := enumerate(d, enumFmt, func(i uint32) *formatDescription { return &formatDescription{Index: i, Kind: d.kind(s)} },
		func(f *formatDescription) {
			all = append(all, FormatDescription{
				FourCC: f.FourCC, Description: text(f.Description[:]),
				Compressed: f.Flags&compressed != 0, Emulated: f.Flags&emulated != 0,
			})
		})
	return all, err
}

// Format is what one side of the device is set to.
func (d *Device) Format(s Side) (Format, error) {
	m := formatMessage{Kind: d.kind(s)}
	if err := call(d, getFmt, &m); err != nil {
		return Format{}, err
	}
	return m.format(), nil
}

// SetFormat asks for a format and returns what the driver made of it, which may be another size and another FourCC: only the answer counts. Of
// f.Planes only Size is used, and only for what is compressed; without it the driver decides. EBUSY: another program streams, or buffers of
// this one are still there.
func (d *Device) SetFormat(s Side, f Format) (Format, error) {
	m := formatMessage{Kind: d.kind(s)}
	m.ask(f)
	if err := call(d, setFmt, &m); err != nil {
		return Format{}, err
	}
	return m.format(), nil
}

// SetCrop tells an encoder how much of the pictures that it is given, from their top left corner, is to be seen: where it wants its pictures
// in whole macroblocks, 1080 lines lie in a buffer of 1088. The answer is what the driver made of it.
func (d *Device) SetCrop(s Side, size Size) (Size, error) {
	const single, multiplanar, targetCrop = 1, 9, 0
	sel := selection{Kind: d.kind(s), Target: targetCrop, Width: uint32(size.Width), Height: uint32(size.Height)}
	if sel.Kind >= multiplanar { // this one request knows only the types without planes
		sel.Kind -= multiplanar - single
	}
	if err := call(d, setSelection, &sel); err != nil {
		return Size{}, err
	}
	return Size{int(sel.Width), int(sel.Height)}, nil
}

func (m *formatMessage) multiplanar() bool { return isMultiplanar(m.Kind) }

func (m *formatMessage) single() *pixels { return (*pixels)(unsafe.Pointer(&m.Body)) }

func (m *formatMessage) multi() *pixelsMultiplanar {
	return (*pixelsMultiplanar)(unsafe.Pointer(&m.Body))
}

const fieldProgressive = 1

func (m *formatMessage) ask(f Format) {
	if !m.multiplanar() {
		*m.single() = pixels{Width: uint32(f.Width), Height: uint32(f.Height), FourCC: f.FourCC, Field: fieldProgressive}
		if len(f.Planes) > 0 {
			m.single().SizeImage = uint32(f.Planes[0].Size)
		}
		return
	}
	p := m.multi()
	*p = pixelsMultiplanar{Width: uint32(f.Width), Height: uint32(f.Height), FourCC: f.FourCC, Field: fieldProgressive, Count: 1}
	for i, plane := range f.Planes {
		p.Planes[i].SizeImage = uint32(plane.Size)
		p.Count = uint8(i + 1)
	}
}

func (m *formatMessage) format() Format {
	if !m.multiplanar() {
		p := m.single()
		return Format{
			FourCC: p.FourCC, Width: int(p.Width), Height: int(p.Height), Interlaced: p.Field > fieldProgressive,
			Planes: []Plane{{Stride: int(p.BytesPerLine), Size: int(p.SizeImage)}},
		}
	}
	p := m.multi()
	f := Format{FourCC: p.FourCC, Width: int(p.Width), Height: int(p.Height), Interlaced: p.Field > fieldProgressive}
	for _, plane := range p.Planes[:min(int(p.Count), maxPlanes)] {
		f.Planes = append(f.Planes, Plane{Stride: int(plane.BytesPerLine), Size: int(plane.SizeImage)})
	}
	return f
}
