package v4l2

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structures below are those of linux/videodev2.h, field by field, for amd64, arm64 and arm. What differs between 64 and 32 bits comes
// from uintptr and from unix.Timeval and unix.Timespec: on arm these are the 32-bit times of the kernel's older calls, which have their own
// request numbers, because a request number holds the size of its structure. The test of sizes holds all of them against the C headers.

type capability struct {
	Driver    [16]byte
	Card, Bus [32]byte
	Version   uint32
	All       uint32 // of the whole hardware
	Node      uint32 // of the opened node; valid where All has capDeviceCaps
	_         [3]uint32
}

type formatDescription struct {
	Index, Kind, Flags uint32
	Description        [32]byte
	FourCC             FourCC
	_                  [4]uint32
}

type frameSize struct {
	Index  uint32
	FourCC FourCC
	Kind   uint32
	Steps  [6]uint32 // width, height; or min, max and step of the width, then of the height
	_      [2]uint32
}

type frameInterval struct {
	Index         uint32
	FourCC        FourCC
	Width, Height uint32
	Kind          uint32
	Steps         [3]Fraction // the interval; or min, max and step
	_             [2]uint32
}

// formatMessage is struct v4l2_format: one of two layouts behind a kind, aligned as a pointer because a third one has pointers.
type formatMessage struct {
	Kind uint32
	_    [unsafe.Sizeof(uintptr(0)) - 4]byte
	Body [200]byte
}

type pixels struct {
	Width, Height uint32
	FourCC        FourCC
	Field         uint32
	BytesPerLine  uint32
	SizeImage     uint32
	_             [6]uint32 // colours: left to the driver
}

type planeFormat struct {
	SizeImage, BytesPerLine uint32
	_                       [6]uint16
}

type pixelsMultiplanar struct {
	Width, Height uint32
	FourCC        FourCC
	Field         uint32
	_             uint32 // colours: left to the driver
	Planes        [maxPlanes]planeFormat
	Count         uint8
	_             [11]uint8
}

type streamParameters struct {
	Kind             uint32
	Capability, Mode uint32
	Interval         Fraction
	_                [184]byte
}

type requestBuffers struct {
	Count, Kind, Memory, Capabilities uint32
	_                                 uint32
}

type plane struct {
	BytesUsed, Length uint32
	Offset            uintptr // a union of an offset of 32 bits, an address and a file descriptor
	DataOffset        uint32
	_                 [11]uint32
}

type buffer struct {
	Index, Kind, BytesUsed, Flags, Field uint32
	Timestamp                            unix.Timeval
	_                                    [16]byte // timecode
	Sequence, Memory                     uint32
	Where                                uintptr // a union of an offset of 32 bits and the address of the planes
	Length                               uint32  // bytes, or how many planes
	_                                    [2]uint32
}

type selection struct {
	Kind, Target, Flags uint32
	Left, Top           int32
	Width, Height       uint32
	_                   [9]uint32
}

type control struct {
	ID    ControlID
	Value int32
}

type controlQuery struct {
	ID                      ControlID
	Kind                    uint32
	Name                    [32]byte
	Min, Max, Step, Default int32
	Flags                   uint32
	_                       [2]uint32
}

// extControl is packed in C: its value of 8 bytes begins at byte 12.
type extControl struct {
	ID    ControlID
	Size  uint32
	_     uint32
	Value [2]uint32
}

type extControls struct {
	Which, Count, Failed uint32
	_                    [2]uint32
	Controls             uintptr
}

type eventSubscription struct {
	Kind EventKind
	_    [7]uint32
}

type eventMessage struct {
	Kind              EventKind
	_                 uint32 // the union behind it holds values of 64 bits
	Changes           uint32 // of EventSourceChange
	_                 [60]byte
	Pending, Sequence uint32
	_                 unix.Timespec
	_                 [9]uint32
	_                 uint32 // what C adds to the end
}

type encoderCommand struct {
	Command, Flags uint32
	_              [8]uint32
}
