package v4l2

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
)

// fields makes a message of the kernel; the zero bytes between its fields are blanks here.
func fields(text string) []byte { return []byte(strings.ReplaceAll(text, " ", "\x00") + "\x00") }

func TestUeventsOfVideoNodes(t *testing.T) {
	for _, c := range []struct {
		text string
		want Uevent
	}{
		{
			"add@/devices/platform/vivid.0/video4linux/video0 ACTION=add DEVPATH=/devices/platform/vivid.0/video4linux/video0 " +
				"SUBSYSTEM=video4linux MAJOR=81 MINOR=0 DEVNAME=video0 SEQNUM=1234",
			Uevent{Added, "/dev/video0"},
		},
		{"remove@/devices/x ACTION=remove DEVPATH=/devices/x SUBSYSTEM=video4linux MAJOR=81 DEVNAME=video12", Uevent{Removed, "/dev/video12"}},
		{"change@/devices/x ACTION=change SUBSYSTEM=video4linux DEVNAME=video0", Uevent{}},
		{"add@/devices/x ACTION=add SUBSYSTEM=video4linux DEVNAME=v4l-subdev0", Uevent{}},
		{"add@/devices/x ACTION=add SUBSYSTEM=video4linux DEVNAME=vbi0", Uevent{}},
		{"add@/devices/x ACTION=add SUBSYSTEM=usb DEVNAME=video0", Uevent{}},
		{"add@/devices/x ACTION=add SUBSYSTEM=video4linux DEVNAME=../../etc/passwd", Uevent{}},
		{"add@/devices/x ACTION=add SUBSYSTEM=video4linux", Uevent{}},
		{"libudev", Uevent{}},
		{"", Uevent{}},
	} {
		got, ok := parseUevent(fields(c.text))
		if got != c.want || ok != (c.want != Uevent{}) {
			t.Errorf("%q: %+v %v, want %+v", c.text, got, ok, c.want)
		}
	}
}

// Whatever comes from the socket, only names of nodes come out.
func FuzzUevent(f *testing.F) {
	f.Add(fields("add@/x ACTION=add SUBSYSTEM=video4linux DEVNAME=video0"))
	f.Add(fields("remove@/x ACTION=remove SUBSYSTEM=video4linux DEVNAME=video0 DEVNAME=video1"))
	node := regexp.MustCompile(`^/dev/video[0-9]+$`)
	f.Fuzz(func(t *testing.T, b []byte) {
		switch e, ok := parseUevent(b); {
		case !ok && e != Uevent{}:
			t.Errorf("an event that is none: %+v", e)
		case ok && !node.MatchString(e.Path), ok && e.Action != Added && e.Action != Removed:
			t.Errorf("%+v", e)
		}
	})
}

// Where netlink is refused there is no monitor; where it is not, the end of the context ends the waiting.
func TestMonitorEndsWithItsContext(t *testing.T) {
	m, err := NewMonitor()
	if err != nil {
		t.Logf("no netlink here: %v", err)
		return
	}
	defer m.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	ended := make(chan error)
	go func() {
		_, err := m.Next(ctx)
		ended <- err
	}()
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("Next returned %v", err)
	}
}
