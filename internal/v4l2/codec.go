package v4l2

// Commands of enum VIDIOC_ENCODER_CMD.
const (
	encoderStart = 0
	encoderStop  = 1
)

// Drain tells an encoder that no more pictures come: it gives back what it has, the last one with Picture.Last, and then CaptureQueue.Read
// returns io.EOF. ENOTTY: the driver has no such command.
func (d *Device) Drain() error {
	return call(d, encoderCmd, &encoderCommand{Command: encoderStop})
}

// Resume lets an encoder go on that was drained.
func (d *Device) Resume() error {
	return call(d, encoderCmd, &encoderCommand{Command: encoderStart})
}
