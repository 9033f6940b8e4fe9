package m2m

import "time"

// A buffer's time has whole microseconds, of which nine ticks of 90 kHz have a hundred: none is lost on the way through the device.
const ticksPer, microsPer = 9, 100

// timeOf is the time of a buffer for a picture, rounded down.
func timeOf(ticks int64) time.Duration {
	return time.Duration(ticks*microsPer/ticksPer) * time.Microsecond
}

// ticksOf is the picture that a buffer was made of.
func ticksOf(t time.Duration) int64 {
	return (int64(t/time.Microsecond)*ticksPer + microsPer - 1) / microsPer
}
