// Package discover finds cameras: those of this machine (V4L2) and those on its networks (ONVIF), and writes them as the YAML that belongs
// below `cameras:` of a configuration.
//
// A search for ONVIF cameras has two halves. [Search] multicasts a question (WS-Discovery 2005/04, over UDP) and collects who answers. [Ask]
// then talks to each of them (SOAP over HTTP, ONVIF's device and media services) and learns what it is and where its video is.
//
// # Strangers
//
// Whoever is on the network may answer, so everything that comes in is a stranger's. Only a host that answered by itself is asked: an answer that
// names another host as its address is not followed there, and the hosts inside of service and stream addresses are replaced by the one that we
// talk to. So a password can only reach hosts that answered, and only as a digest, never as it is. Answers are limited in size, number and time.
// What is printed of them is one line of printable text, and `${` in it names no variable of ours.
//
// # Why no library
//
// Of ONVIF we need seven questions. The Go libraries that we looked at generate types for thousands, insist on the namespaces and prefixes of the
// standard where cameras have their own, read answers without limit, and know one of the two ways to log in. With encoding/xml each answer is a
// struct of a few lines that looks at local names only, and that survives what cameras write: it does not expand entities, so there is
// nothing that a small answer could blow up.
package discover

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// A Login is what cameras want to know of their viewers. The zero Login is nobody's.
type Login struct {
	Username string
	Password secret.Secret
}

// given reports whether there is a login at all. Some cameras have users without a password.
func (l Login) given() bool { return l.Username != "" }

// A Device answered a search.
type Device struct {
	// Endpoint is the name that the device keeps for ever, usually urn:uuid:…
	Endpoint string
	// Senders are the addresses that its answers came from, the first one first. The only hosts that are ever asked.
	Senders []netip.Addr
	// Services are the addresses (URLs) at which it says that it can be asked.
	Services []string

	// What it tells everybody (ONVIF's scopes); one printable line each, "" where it tells nothing.
	Name, Hardware, Location string
}

// A Camera is a device that was asked what it is.
type Camera struct {
	Device
	// At is the host that was asked: one of Senders.
	At netip.Addr

	Manufacturer, Model, Firmware, Serial string // one printable line each, may be ""

	// Videos has an entry for each lens: one with most cameras, one for each channel with recorders.
	Videos []Video
	// LoggedIn is whether it wanted a login and took ours.
	LoggedIn bool
	// Trouble is why there are no videos; nil if there are. It wraps ErrLoginWanted or ErrLoginRefused where that is the reason.
	Trouble error
}

// title is what people may know the camera by.
func (c Camera) title() string {
	maker := c.Manufacturer
	if c.Model != "" {
		maker = joined(" ", c.Manufacturer, c.Model)
	}
	return cmp.Or(maker, joined(" ", c.Name, c.Hardware), "ONVIF device")
}

// A Video is what one lens of a camera delivers.
type Video struct {
	Streams []Stream // the one that suits the agent best comes first; never empty
}

// A Stream is one way in which a video can be had.
type Stream struct {
	Profile       string // the camera's name for it; one printable line
	Codec         string // H.264, H.265, MJPEG, or what the camera calls it; "" when it does not say
	Width, Height int    // pixels; 0 when it does not say
	Rate          int    // pictures per second at most; 0 when it does not say
	URL           string // rtsp[s]://…, without user name and password, at the host that was asked
	Said          string // the host that the camera wrote into the address if that was another; one printable line
}

// Options says how to look.
type Options struct {
	// Timeout is how long a search lasts, and how long a camera may take for each answer; it must not be 0.
	Timeout time.Duration
	// Interfaces are the names of those to search on. Empty: all that are up and can multicast.
	Interfaces []string
}
