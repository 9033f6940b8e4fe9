package discover

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxDoors is at how many addresses of one device we knock.
const maxDoors = 4

// usualPath is where the device service is by the standard (ONVIF Core, 5.1.1), for addresses without a path.
const usualPath = "/onvif/device_service"

// A door is an address at which a device may be asked: a URL whose host is one that answered the search by itself.
type door struct {
	url  *url.URL
	host netip.Addr
	said string // the host that the device wrote into the address, if it was another; one printable line
}

// doors returns the addresses of a device in the order in which to try them: as it says itself, IPv4 first, and http before https, whose
// certificates no camera can prove. What leads to another host is led back to the one that answered: cameras write names that nobody
// resolves, addresses of another network or of the day they were made, and strangers write what they like.
func (d Device) doors() []door {
	var found []door
	for _, service := range d.Services {
		u, err := url.Parse(service)
		if err != nil || !isHTTP(u.Scheme) || u.Host == "" || !validPort(u.Port()) {
			continue
		}
		if u.Path == "" {
			u.Path = usualPath
		}
		host, said := d.hostFor(u.Hostname())
		one := door{url: &url.URL{Scheme: u.Scheme, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}, host: host, said: said}
		one.url.Host = hostPort(host, u.Port())
		if !slices.ContainsFunc(found, func(other door) bool { return *other.url == *one.url }) {
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(one, other door) int { return cmp.Compare(one.rank(), other.rank()) })
	return found[:min(len(found), maxDoors)]
}

// hostFor returns the sender that a host stands for, and the host again as text if it is none of them.
func (d Device) hostFor(host string) (sender netip.Addr, said string) {
	addr, err := netip.ParseAddr(host)
	if err == nil {
		addr = addr.Unmap().WithZone("")
		for _, sender := range d.Senders {
			if sender.WithZone("") == addr { // only the sender's has the interface of a link-local address
				return sender, ""
			}
		}
	}
	return d.Senders[0], newCleaner(Login{}).line(host)
}

func (one door) rank() (rank int) {
	if one.said != "" {
		rank += 8
	}
	if one.host.Is6() {
		rank += 4
	}
	if one.host.IsLinkLocalUnicast() {
		rank += 2
	}
	if one.url.Scheme == "https" {
		rank++
	}
	return rank
}

// inside returns where an address leads that the device gave us when we stood at this door, such as that of its media service. It is at the same
// door: under NAT the device does not know how it is reached. Only a port of its own counts, of an address that has the host right.
func (one door) inside(address string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Path == "" {
		return nil
	}
	at := *one.url
	at.Path, at.RawPath, at.RawQuery = u.Path, u.RawPath, u.RawQuery
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.Unmap() == one.host.WithZone("") && validPort(u.Port()) && isHTTP(u.Scheme) {
		at.Scheme, at.Host = u.Scheme, hostPort(one.host, u.Port())
	}
	return &at
}

func isHTTP(scheme string) bool { return scheme == "http" || scheme == "https" }

func validPort(port string) bool {
	if port == "" {
		return true
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

// hostPort is the Host of a [url.URL].
func hostPort(host netip.Addr, port string) string {
	text := host.String()
	if host.Is6() {
		text = "[" + text + "]"
	}
	if port != "" {
		text += ":" + port
	}
	return text
}
