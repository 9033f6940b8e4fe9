package v4l2

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A ControlID names a setting of a device (linux/v4l2-controls.h).
type ControlID uint32

// The controls of encoders that this house uses.
const (
	ControlBitrate       ControlID = 0x009909cf // bits per second
	ControlBitrateMode   ControlID = 0x009909ce // 0 variable, 1 constant
	ControlGroupSize     ControlID = 0x009909cb // pictures from one key frame to the next, where ControlH264Period is not there
	ControlBFrames       ControlID = 0x009909ca
	ControlFrameRateCtrl ControlID = 0x009909d7 // V4L2_CID_MPEG_VIDEO_FRAME_RC_ENABLE: without it some drivers ignore the bitrate
	ControlRepeatHeaders ControlID = 0x009909e2 // parameter sets before each key frame
	ControlForceKeyFrame ControlID = 0x009909e5 // a button
	ControlH264Period    ControlID = 0x00990a66 // pictures from one I picture to the next
	ControlH264Level     ControlID = 0x00990a67 // 11 is level 4.0
	ControlH264Profile   ControlID = 0x00990a6b // 0 baseline, 1 constrained baseline, 2 main, 4 high
)

// A ControlInfo says what a control is and takes.
type ControlInfo struct {
	ID                      ControlID
	Name                    string
	Min, Max, Step, Default int32
	Disabled, ReadOnly      bool
}

// A Setting is a control and what it shall be.
type Setting struct {
	ID    ControlID
	Value int32
}

// ControlInfo asks what a control is. The error is errors.ErrUnsupported where the device does not have it.
func (d *Device) ControlInfo(id ControlID) (ControlInfo, error) {
	q := controlQuery{ID: id}
	if err := call(d, queryControl, &q); err != nil {
		return ControlInfo{}, missing(id, err)
	}
	return q.info(), nil
}

func (q *controlQuery) info() ControlInfo {
	const disabled, readOnly = 1, 4
	return ControlInfo{
		ID: q.ID, Name: text(q.Name[:]), Min: q.Min, Max: q.Max, Step: q.Step, Default: q.Default,
		Disabled: q.Flags&disabled != 0, ReadOnly: q.Flags&readOnly != 0,
	}
}

// Controls lists the controls of a device.
func (d *Device) Controls() ([]ControlInfo, error) {
	const next = 0x80000000 // V4L2_CTRL_FLAG_NEXT_CTRL
	var all []ControlInfo
	last := ControlID(0)
	err := enumerate(d, queryControl, func(uint32) *controlQuery { return &controlQuery{ID: last | next} }, func(q *controlQuery) {
		last = q.ID
		if info := q.info(); !info.Disabled {
			all = append(all, info)
		}
	})
	return all, err
}

// Control is the value of a control. The error is errors.ErrUnsupported where the device does not have it.
func (d *Device) Control(id ControlID) (int32, error) {
	c := control{ID: id}
	if err := call(d, getControl, &c); err != nil {
		return 0, missing(id, err)
	}
	return c.Value, nil
}

// SetControl sets a control. The error is errors.ErrUnsupported where the device does not have it, ERANGE where it does not take the value.
func (d *Device) SetControl(id ControlID, value int32) error {
	return missing(id, call(d, setControl, &control{ID: id, Value: value}))
}

// SetControls sets several controls in one step: all of them, or none when one is refused. The error names that one, where the driver says.
func (d *Device) SetControls(settings ...Setting) error {
	list := make([]extControl, len(settings))
	for i, s := range settings {
		list[i] = extControl{ID: s.ID, Value: [2]uint32{uint32(s.Value), 0}}
	}
	if len(list) == 0 {
		return nil
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&list[0])
	m := extControls{Count: uint32(len(list)), Controls: uintptr(unsafe.Pointer(&list[0]))}
	if err := call(d, setExtControls, &m); err != nil {
		return d.whichFailed(settings, m.Failed, err)
	}
	return nil
}

// whichFailed names the control that was refused. The driver says which only when it had begun to set them; otherwise it is one that it does
// not have.
func (d *Device) whichFailed(settings []Setting, failed uint32, err error) error {
	if int(failed) < len(settings) {
		return missing(settings[failed].ID, err)
	}
	for _, s := range settings {
		if _, err := d.ControlInfo(s.ID); err != nil {
			return err
		}
	}
	return err
}

// missing says of a failure that the device has no such control, if that is what it is.
func missing(id ControlID, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTTY):
		return fmt.Errorf("control %#08x: %w: %w", uint32(id), errors.ErrUnsupported, err)
	}
	return fmt.Errorf("control %#08x: %w", uint32(id), err)
}
