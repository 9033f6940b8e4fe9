package v4l2

import (
	"testing"
	"unsafe"
)

// What the C compilers of amd64 (the same as of arm64) and of arm with 32-bit time_t print for linux/videodev2.h of Linux 6.1.
func TestStructuresAreAsLargeAsInC(t *testing.T) {
	for _, c := range []struct {
		name         string
		got          uintptr
		bits64, arm7 uintptr
	}{
		{"v4l2_capability", unsafe.Sizeof(capability{}), 104, 104},
		{"v4l2_fmtdesc", unsafe.Sizeof(formatDescription{}), 64, 64},
		{"v4l2_frmsizeenum", unsafe.Sizeof(frameSize{}), 44, 44},
		{"v4l2_frmivalenum", unsafe.Sizeof(frameInterval{}), 52, 52},
		{"v4l2_format", unsafe.Sizeof(formatMessage{}), 208, 204},
		{"v4l2_format.fmt", unsafe.Offsetof(formatMessage{}.Body), 8, 4},
		{"v4l2_pix_format", unsafe.Sizeof(pixels{}), 48, 48},
		{"v4l2_plane_pix_format", unsafe.Sizeof(planeFormat{}), 20, 20},
		{"v4l2_pix_format_mplane", unsafe.Sizeof(pixelsMultiplanar{}), 192, 192},
		{"v4l2_pix_format_mplane.plane_fmt", unsafe.Offsetof(pixelsMultiplanar{}.Planes), 20, 20},
		{"v4l2_pix_format_mplane.num_planes", unsafe.Offsetof(pixelsMultiplanar{}.Count), 180, 180},
		{"v4l2_streamparm", unsafe.Sizeof(streamParameters{}), 204, 204},
		{"v4l2_streamparm.parm.capture.timeperframe", unsafe.Offsetof(streamParameters{}.Interval), 4 + 8, 4 + 8},
		{"v4l2_requestbuffers", unsafe.Sizeof(requestBuffers{}), 20, 20},
		{"v4l2_plane", unsafe.Sizeof(plane{}), 64, 60},
		{"v4l2_plane.data_offset", unsafe.Offsetof(plane{}.DataOffset), 16, 12},
		{"v4l2_buffer", unsafe.Sizeof(buffer{}), 88, 68},
		{"v4l2_buffer.timestamp", unsafe.Offsetof(buffer{}.Timestamp), 24, 20},
		{"v4l2_buffer.sequence", unsafe.Offsetof(buffer{}.Sequence), 56, 44},
		{"v4l2_buffer.m", unsafe.Offsetof(buffer{}.Where), 64, 52},
		{"v4l2_buffer.length", unsafe.Offsetof(buffer{}.Length), 72, 56},
		{"v4l2_selection", unsafe.Sizeof(selection{}), 64, 64},
		{"v4l2_control", unsafe.Sizeof(control{}), 8, 8},
		{"v4l2_queryctrl", unsafe.Sizeof(controlQuery{}), 68, 68},
		{"v4l2_queryctrl.flags", unsafe.Offsetof(controlQuery{}.Flags), 56, 56},
		{"v4l2_ext_control", unsafe.Sizeof(extControl{}), 20, 20},
		{"v4l2_ext_control.value", unsafe.Offsetof(extControl{}.Value), 12, 12},
		{"v4l2_ext_controls", unsafe.Sizeof(extControls{}), 32, 24},
		{"v4l2_ext_controls.controls", unsafe.Offsetof(extControls{}.Controls), 24, 20},
		{"v4l2_event_subscription", unsafe.Sizeof(eventSubscription{}), 32, 32},
		{"v4l2_event", unsafe.Sizeof(eventMessage{}), 136, 128},
		{"v4l2_event.u", unsafe.Offsetof(eventMessage{}.Changes), 8, 8},
		{"v4l2_event.sequence", unsafe.Offsetof(eventMessage{}.Sequence), 76, 76},
		{"v4l2_encoder_cmd", unsafe.Sizeof(encoderCommand{}), 40, 40},
	} {
		want := c.bits64
		if unsafe.Sizeof(uintptr(0)) == 4 {
			want = c.arm7
		}
		if c.got != want {
			t.Errorf("%s is %d in Go and %d in C", c.name, c.got, want)
		}
	}
}

func TestRequestsHaveTheNumbersOfC(t *testing.T) {
	for _, c := range []struct {
		name         string
		got          uintptr
		bits64, arm7 uintptr
	}{
		{"VIDIOC_QUERYCAP", codeOf[capability](queryCap), 0x80685600, 0x80685600},
		{"VIDIOC_ENUM_FMT", codeOf[formatDescription](enumFmt), 0xc0405602, 0xc0405602},
		{"VIDIOC_G_FMT", codeOf[formatMessage](getFmt), 0xc0d05604, 0xc0cc5604},
		{"VIDIOC_S_FMT", codeOf[formatMessage](setFmt), 0xc0d05605, 0xc0cc5605},
		{"VIDIOC_REQBUFS", codeOf[requestBuffers](reqBufs), 0xc0145608, 0xc0145608},
		{"VIDIOC_QUERYBUF", codeOf[buffer](queryBuf), 0xc0585609, 0xc0445609},
		{"VIDIOC_QBUF", codeOf[buffer](queueBuf), 0xc058560f, 0xc044560f},
		{"VIDIOC_DQBUF", codeOf[buffer](dequeueBuf), 0xc0585611, 0xc0445611},
		{"VIDIOC_STREAMON", codeOf[uint32](streamOn), 0x40045612, 0x40045612},
		{"VIDIOC_STREAMOFF", codeOf[uint32](streamOff), 0x40045613, 0x40045613},
		{"VIDIOC_G_PARM", codeOf[streamParameters](getParm), 0xc0cc5615, 0xc0cc5615},
		{"VIDIOC_S_PARM", codeOf[streamParameters](setParm), 0xc0cc5616, 0xc0cc5616},
		{"VIDIOC_G_CTRL", codeOf[control](getControl), 0xc008561b, 0xc008561b},
		{"VIDIOC_S_CTRL", codeOf[control](setControl), 0xc008561c, 0xc008561c},
		{"VIDIOC_QUERYCTRL", codeOf[controlQuery](queryControl), 0xc0445624, 0xc0445624},
		{"VIDIOC_S_EXT_CTRLS", codeOf[extControls](setExtControls), 0xc0205648, 0xc0185648},
		{"VIDIOC_ENUM_FRAMESIZES", codeOf[frameSize](enumFrameSizes), 0xc02c564a, 0xc02c564a},
		{"VIDIOC_ENUM_FRAMEINTERVALS", codeOf[frameInterval](enumFrameIntervals), 0xc034564b, 0xc034564b},
		{"VIDIOC_ENCODER_CMD", codeOf[encoderCommand](encoderCmd), 0xc028564d, 0xc028564d},
		{"VIDIOC_DQEVENT", codeOf[eventMessage](dequeueEvent), 0x80885659, 0x80805659},
		{"VIDIOC_SUBSCRIBE_EVENT", codeOf[eventSubscription](subscribeEvent), 0x4020565a, 0x4020565a},
		{"VIDIOC_S_SELECTION", codeOf[selection](setSelection), 0xc040565f, 0xc040565f},
	} {
		want := c.bits64
		if unsafe.Sizeof(uintptr(0)) == 4 {
			want = c.arm7
		}
		if c.got != want {
			t.Errorf("%s is %#x in Go and %#x in C", c.name, c.got, want)
		}
	}
}

func codeOf[T any](r request) uintptr {
	var argument T
	return r.code(unsafe.Sizeof(argument))
}
