package overshoot

import (
	"strconv"
	"time"
)

// FrameURL names the newest picture of a stream, for [Media.ImageURL]. The service
// resolves it when it reads the question, and takes the last picture however old
// it is: ask only while pictures flow.
func FrameURL(streamID string) string {
	return "ovs://streams/" + streamID + "?frame_index=-1"
}

// WindowURL names the last stretch of a stream up to its live edge, sampled at no
// more than maxFPS pictures a second, for [Media.VideoURL]. The stretch is cut to
// whole milliseconds, at least one. A maxFPS of 0 or less leaves the rate to the
// service, which takes one a second. The end is left out on purpose: an explicit
// end of zero means the oldest picture to some versions of the service and the
// newest to others.
func WindowURL(streamID string, last time.Duration, maxFPS float64) string {
	u := "ovs://streams/" + streamID + "?start_offset_ms=-" + strconv.FormatInt(max(1, last.Milliseconds()), 10)
	if maxFPS > 0 {
		u += "&max_fps=" + strconv.FormatFloat(maxFPS, 'f', -1, 64)
	}
	return u
}
