package v4l2

// Caps are the capabilities of one node (V4L2_CAP_ in linux/videodev2.h).
type Caps uint32

const (
	capCapture            Caps = 0x00000001
	capOutput             Caps = 0x00000002
	capVBI                Caps = 0x00000010 | 0x00000020 | 0x00000040 | 0x00000080 // raw and sliced teletext, in and out
	capCaptureMultiplanar Caps = 0x00001000
	capOutputMultiplanar  Caps = 0x00002000
	capM2MMultiplanar     Caps = 0x00004000
	capM2M                Caps = 0x00008000
	capMetaCapture        Caps = 0x00800000
	capStreaming          Caps = 0x04000000
	capMetaOutput         Caps = 0x08000000
	capTouch              Caps = 0x10000000
	capController         Caps = 0x20000000
	capDeviceCaps         Caps = 0x80000000
)

func (c Caps) has(any Caps) bool { return c&any != 0 }

// Capture reports whether the node delivers pictures. A node that can do both this and Output, as a loopback, counts.
func (c Caps) Capture() bool { return c.has(capCapture|capCaptureMultiplanar) && !c.M2M() }

// Output reports whether the node takes pictures, to show them or to hand them to another program.
func (c Caps) Output() bool { return c.has(capOutput|capOutputMultiplanar) && !c.M2M() }

// M2M reports whether the node takes pictures and gives them back as something else: an encoder, a decoder, a scaler.
func (c Caps) M2M() bool { return c.has(capM2M | capM2MMultiplanar) }

// Metadata reports whether the node carries what belongs to pictures instead of pictures.
func (c Caps) Metadata() bool { return c.has(capMetaCapture | capMetaOutput) }

// Streaming reports whether the node has queues of buffers; all cameras of today have them.
func (c Caps) Streaming() bool { return c.has(capStreaming) }

// Controller reports whether the node is one part of a chain that has to be set up through a media controller first, and cannot be used alone.
func (c Caps) Controller() bool { return c.has(capController) }

// Multiplanar reports whether the buffers of one side of the node are lists of planes.
func (c Caps) Multiplanar(s Side) bool {
	if s == Output {
		return c.has(capOutputMultiplanar | capM2MMultiplanar)
	}
	return c.has(capCaptureMultiplanar | capM2MMultiplanar)
}

// A Side is one of the two directions that pictures go.
type Side int

// The sides of a device, as the kernel names them: seen from the memory of the computer.
const (
	Capture Side = iota // pictures that come from the device: a camera's, or what an encoder made
	Output              // pictures that go to the device: what an encoder shall encode
)

// kind is the type of buffer (enum v4l2_buf_type) that a side of this node has.
func (d *Device) kind(s Side) uint32 {
	const capture, output, captureMultiplanar, outputMultiplanar = 1, 2, 9, 10
	switch multi := d.info.Caps.Multiplanar(s); {
	case s == Capture && multi:
		return captureMultiplanar
	case s == Capture:
		return capture
	case multi:
		return outputMultiplanar
	}
	return output
}
