package v4l2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sys/unix"
)

// fault says in plain words what went wrong with the device at path, and what a person could do.
func (s *Source) fault(path, doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || guard.Panicked(err) {
		return err
	}
	if doing != "" {
		doing += ": "
	}
	if known, ok := errors.AsType[*camera.Fault](err); ok {
		return &camera.Fault{Reason: known.Reason, Err: fmt.Errorf("%s: %s%w", s, doing, known.Err), Advice: known.Advice}
	}
	f := &camera.Fault{Err: fmt.Errorf("%s%w", doing, err)}
	f.Reason, f.Advice = diagnose(path, err)
	return f
}

// A diagnosis is what an error of the kernel means for a camera.
type diagnosis struct {
	errno  unix.Errno
	reason camera.Reason
	advice string
}

// diagnoses are those that say all by themselves.
var diagnoses = [...]diagnosis{
	{unix.EACCES, camera.Auth, "the agent's user may not open it: add that user to the group video and start the agent again; " +
		"in a container, give it the group's number by --group-add"},
	{unix.EPERM, camera.Auth, "the agent's sandbox forbids it: systemd needs `DeviceAllow=char-video4linux rw`, " +
		"Docker `--device` or, for cameras that are plugged in later, `--device-cgroup-rule 'c 81:* rmw'` and /dev mounted"},
	{unix.ENOSPC, camera.Busy, "the USB bus is full: ask for less with fps, width and height, use `format: mjpeg`, " +
		"or move the camera to a port of another controller"},
	{unix.ENOMEM, camera.Protocol, "there is not enough memory for pictures of this size: ask for less with width and height"},
	{unix.ENOTTY, camera.NotFound, "that is no camera: `overshoot-agent discover` lists what is"},
	{unix.ENODEV, camera.Closed, "the camera was unplugged, or lost its power for a moment: waiting for it to come back"},
	{unix.ENXIO, camera.Closed, "the camera was unplugged, or lost its power for a moment: waiting for it to come back"},
	{unix.ENOLINK, camera.WrongCodec, throughAProgram},
	{unix.EPIPE, camera.Protocol, brokenCable},
	{unix.EIO, camera.Protocol, brokenCable},
	{unix.EPROTO, camera.Protocol, brokenCable},
	{unix.EILSEQ, camera.Protocol, brokenCable},
	{unix.ETIMEDOUT, camera.Protocol, brokenCable},
	{unix.EOVERFLOW, camera.Protocol, brokenCable},
}

const brokenCable = "camera and driver do not understand each other: opening it again; if this stays, try another cable, another port, " +
	"a hub with a power supply of its own, and the camera at another computer"

// diagnose turns an error of the kernel into a reason and an advice.
func diagnose(path string, err error) (camera.Reason, string) {
	if _, ok := errors.AsType[*strangerError](err); ok {
		return camera.Unreachable, fmt.Sprintf("plug the camera in again; after %v the other one is taken for its replacement; "+
			"links below /dev/v4l/by-id are never mistaken", mourning)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return camera.Unreachable, absence()
	case errors.Is(err, unix.EIO) && !system.present(path): // it failed first, and then it was seen to be gone
		err = unix.ENODEV
	case errors.Is(err, unix.EBUSY):
		return camera.Busy, occupied(path)
	}
	for _, d := range diagnoses {
		if errors.Is(err, d.errno) {
			return d.reason, d.advice
		}
	}
	return camera.Protocol, ""
}

// absence is the advice for a device that is not there.
func absence() string {
	advice := "is the camera plugged in? `overshoot-agent discover` lists what is there"
	if exists("/.dockerenv") || exists("/run/.containerenv") {
		advice += "; a container sees only the devices that it was started with, unless it has /dev of the computer"
	}
	return advice
}

// occupied is the advice for a device that somebody else has.
func occupied(path string) string {
	by := holders(path)
	if len(by) == 0 {
		return "another program has the camera: stop it; `fuser " + path + "` as root names it"
	}
	return "another program has the camera: stop " + strings.Join(by, " and ")
}

// refusals are the nodes that are not tried: what they are, in words. A sensor's is tried, because somebody may have set up what stands behind
// it; and so is one that lists no format.
var refusals = map[kernel.Reason]string{
	kernel.Converter:  "turns pictures into others",
	kernel.Metadata:   "says things about a camera's pictures, and has no pictures",
	kernel.Display:    "takes pictures, and gives none",
	kernel.NoPictures: "has no pictures",
}

// refusal returns why a device is not tried, nil when it is.
func refusal(i kernel.Info, why kernel.Reason) error {
	what, refused := refusals[why]
	if !refused {
		return nil
	}
	return &camera.Fault{
		Reason: camera.NotFound, Err: fmt.Errorf("that device (%s, driver %s) %s", i.Card, i.Driver, what),
		Advice: strings.TrimSpace("`overshoot-agent discover` lists cameras. " + why.Advice()),
	}
}

// unready says what it means when a device does not start that is only the end of a chain: the chain has not been set up.
func unready(why kernel.Reason, err error) error {
	chained := errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ENOLINK) || errors.Is(err, unix.EINVAL)
	if why != kernel.RawSensor || !chained {
		return err
	}
	return &camera.Fault{Reason: camera.WrongCodec, Err: err, Advice: throughAProgram}
}
