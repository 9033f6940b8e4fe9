package v4l2

import "golang.org/x/sys/unix"

// An EventKind is something that a device can tell beside pictures (V4L2_EVENT_ in linux/videodev2.h).
type EventKind uint32

// The events that Subscribe takes.
const (
	EventEndOfStream  EventKind = 2 // an encoder has given back all of what it was told to drain
	EventSourceChange EventKind = 5 // the signal of a capture card changed: ask for the format anew
)

// An Event is one that came.
type Event struct {
	Kind       EventKind
	Resolution bool   // of EventSourceChange: it is the size that changed
	Sequence   uint32 // counts the events of the device
}

// Subscribe asks to be told of a kind of event; Wait then reports Eventful. EINVAL or ENOTTY: the device has none of this kind.
func (d *Device) Subscribe(kind EventKind) error {
	return call(d, subscribeEvent, &eventSubscription{Kind: kind})
}

// Event takes the next event, without waiting. ErrAgain: there is none.
func (d *Device) Event() (Event, error) {
	const resolution = 1
	var m eventMessage
	switch err := ioctl(d.fd, dequeueEvent, &m); err {
	case nil:
		return Event{Kind: m.Kind, Resolution: m.Kind == EventSourceChange && m.Changes&resolution != 0, Sequence: m.Sequence}, nil
	case unix.ENOENT, unix.EAGAIN:
		return Event{}, ErrAgain
	default:
		return Event{}, d.failed(dequeueEvent, err)
	}
}
