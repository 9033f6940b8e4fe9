package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"strings"
	"syscall"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// find returns the path of the program.
func find(program string) (string, error) {
	path, err := osexec.LookPath(program)
	if bad, ok := errors.AsType[*osexec.Error](err); ok {
		return "", bad.Err
	}
	return path, err
}

// missing is the fault of a program that could not be started.
func (s *Source) missing(err error) error {
	f := &camera.Fault{Reason: camera.NotFound, Err: fmt.Errorf("starting %s: %w", s, bare(err))}
	_, folder := os.Stat(s.config.Dir + "/.")
	switch {
	case folder != nil: // the error names the program all the same
		f.Err = fmt.Errorf("starting %s in %s: %w", s, s.config.Dir, errors.Unwrap(folder))
		f.Advice = "create the folder of `dir`, or correct dir"
	case errors.Is(err, osexec.ErrNotFound):
		f.Advice = "install it, or write its full path in command; in a container it must be part of the image"
	case errors.Is(err, fs.ErrPermission):
		f.Advice = "make it executable (chmod +x) for the user that the agent runs as, and see that its file system is not mounted noexec"
	case errors.Is(err, syscall.ENOEXEC):
		f.Advice = "a script must begin with a line such as #!/bin/sh, and a program must be one for this kind of machine"
	case errors.Is(err, fs.ErrNotExist):
		f.Advice = "check the path in command; a script may also name an interpreter in its first line that does not exist"
	default: // no memory, too many processes: not the program's
		f.Reason = camera.Unreachable
	}
	return f
}

// bare takes off what the layers below say of the path, which may be long and says nothing new.
func bare(err error) error {
	if errors.Is(err, osexec.ErrNotFound) {
		return errors.New("there is no program of that name")
	}
	if bad, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", bad.Path, bad.Err)
	}
	return err
}

// misfit is the fault of a program that writes what is no video for us.
func (v *visit) misfit(err error) error {
	f := &camera.Fault{Reason: camera.WrongCodec}
	if unusable, ok := errors.AsType[*bytestream.UnusableError](err); ok {
		f.Err = fmt.Errorf("%s gives no usable video: %w", v.source, unusable)
		f.Advice = "let it encode the video as H.264 (ffmpeg: -c:v libx264 -tune zerolatency -bf 0)"
		return f
	}
	what := bytestream.Describe(err.(*misfitError).head)
	f.Err = fmt.Errorf("%s writes no H.264 byte stream and no MPEG-TS, but %s", v.source, v.source.scrub(what))
	f.Advice = "let it write H.264 as a byte stream or in MPEG-TS (ffmpeg: -c:v libx264 -tune zerolatency -bf 0 -f mpegts -)"
	if strings.HasPrefix(what, "text") {
		f.Reason = camera.Protocol // such as the complaint of a moment
		f.Advice = "standard output is for video alone: let it be quiet (gst-launch-1.0: -q), or write what it says to standard error"
	}
	return f
}

// silent is the fault of a program that goes on and gives nothing.
func (v *visit) silent() error {
	f := &camera.Fault{Reason: camera.Stalled, Err: fmt.Errorf("%s runs, but wrote nothing for %s", v.source, v.source.config.Timeout)}
	f.Advice = "see that it writes to standard output (-o - or pipe:1); if it needs longer to start, raise timeout"
	if n := v.tap.bytes; n > 0 {
		f.Err = fmt.Errorf("%s wrote %d bytes in %s, but no whole picture%s", v.source, n, v.source.config.Timeout, v.wrote())
		f.Advice = "let it write H.264 as a byte stream or in MPEG-TS, and correct format if that is set"
	}
	return f
}

// hasty is the fault of a program that does not wait between two pictures. It would fill the uplink with what nobody can see.
func (v *visit) hasty() error {
	return &camera.Fault{
		Reason: camera.Protocol, Err: fmt.Errorf("%s wrote %d pictures in %s, faster than any camera", v.source, v.tap.pictures, trial),
		Advice: "let it read a file as fast as it is to be seen (ffmpeg: -re before -i), or play the file by a source of type: file",
	}
}

// wrote says what came of which it is not known what it is, "" where nothing did.
func (v *visit) wrote() string {
	if len(v.tap.head) == 0 {
		return ""
	}
	return "; it wrote " + v.source.scrub(bytestream.Describe(v.tap.head))
}

// complaints are what programs say, and what a person could do about it.
var complaints = []struct {
	says   string // in lower case
	reason camera.Reason
	advice string
}{
	{"no cameras available", camera.Unreachable, "no camera was found: check the ribbon cable, and see whether rpicam-hello --list-cameras shows it"},
	{"in use by another process", camera.Busy, "another program uses the camera: end it"},
	{"device or resource busy", camera.Busy, "another program uses the device: end it"},
	{"permission denied", camera.Unreachable, "let the user that the agent runs as use the device (group video), and in a container pass the device on"},
	{"cannot open display", camera.Unreachable, "name the screen in env, as DISPLAY: \":0\", and let the user in (XAUTHORITY, or xhost +local:)"},
	{"could not open x display", camera.Unreachable, "name the screen in env, as DISPLAY: \":0\", and let the user in (XAUTHORITY, or xhost +local:)"},
	{"authorization required", camera.Unreachable, "the screen does not let the user in: set XAUTHORITY in env, or run xhost +local:"},
	{"unknown encoder", camera.WrongCodec, "this ffmpeg was built without that encoder: choose another, such as libx264"},
	{"no element", camera.WrongCodec, "a part of GStreamer is missing: install the package with that plugin"},
}

// diagnose looks for what is known in what a program said.
func diagnose(words string) (camera.Reason, string) {
	words = strings.ToLower(words)
	for _, c := range complaints {
		if strings.Contains(words, c.says) {
			return c.reason, c.advice
		}
	}
	return "", ""
}
