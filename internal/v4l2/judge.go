package v4l2

import (
	"slices"
	"strings"
)

// A Reason says why a node is no camera that can be used as it is.
type Reason string

// The reasons.
const (
	Unreachable Reason = "unreachable"    // it cannot be opened: missing rights, or not there in this container; see Node.Err
	Metadata    Reason = "metadata"       // carries data beside the pictures of another node of the same camera
	Converter   Reason = "converter"      // an encoder, a decoder or a scaler
	Display     Reason = "display"        // takes pictures and gives none; a loopback that nobody writes to
	NoPictures  Reason = "no pictures"    // teletext, radio, touch pads
	RawSensor   Reason = "raw sensor"     // what comes out of a sensor before it is a picture: a camera on a ribbon cable (CSI)
	Idle        Reason = "without format" // offers nothing at this moment
)

// Advice says in a sentence what a person could do about it; empty where there is nothing to be done.
func (r Reason) Advice() string {
	switch r {
	case RawSensor:
		return "This node gives unfinished pictures of a sensor: use a source of kind exec with the program that finishes them, " +
			"rpicam-vid on a Raspberry Pi or gst-launch-1.0 with nvarguscamerasrc on a Jetson."
	case Display:
		return "If this is a loopback, start the program that writes to it first."
	case Unreachable:
		return "The user needs to be in the group video, and a container needs the device (docker run --device)."
	}
	return ""
}

// partOfChain knows the drivers of a Raspberry Pi whose nodes look like cameras, and are parts of a chain that only libcamera sets up.
func partOfChain(driver string) (Reason, bool) {
	switch driver {
	case "unicam", "rp1-cfe":
		return RawSensor, true
	case "bcm2835-isp", "pispbe", "bcm2835-codec", "rpivid", "rpi-hevc-dec":
		return Converter, true
	}
	return "", false
}

// Judge decides whether a node is a camera by what it says of itself, and by the formats of its capture side: empty for a camera.
func Judge(info Info, formats []FormatDescription) Reason {
	caps := info.Caps
	if why, is := partOfChain(info.Driver); is {
		return why
	}
	switch {
	case caps.M2M():
		return Converter
	case caps.Capture() && caps.Controller(), caps.Capture() && len(formats) > 0 && !slices.ContainsFunc(formats, finished):
		return RawSensor
	case caps.Capture() && len(formats) == 0:
		return Idle
	case caps.Capture():
		return ""
	case caps.Metadata():
		return Metadata
	case caps.Output():
		return Display
	}
	return NoPictures
}

// finished reports whether a format is one of pictures, other than the mosaic of colours that a sensor gives (Bayer).
func finished(f FormatDescription) bool {
	return !strings.Contains(f.Description, "Bayer")
}
