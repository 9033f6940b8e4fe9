package discover

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// An outlet is an address of this machine from which a search leaves.
type outlet struct {
	ifi  net.Interface
	addr netip.Addr
}

func (o outlet) String() string { return o.ifi.Name + " (" + o.addr.WithZone("").String() + ")" }

// outlets lists the addresses of the named interfaces, or of all that are up and can multicast: each IPv4 address, because a camera answers
// to the one that it was asked from and may only know its own subnet, and the link-local one of IPv6.
func outlets(names []string) ([]outlet, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	for _, name := range names {
		if !slices.ContainsFunc(interfaces, func(ifi net.Interface) bool { return ifi.Name == name }) {
			return nil, fmt.Errorf("there is no network interface %q; there are %s", name, nameAll(interfaces))
		}
	}
	var found []outlet
	for _, ifi := range interfaces {
		wanted := slices.Contains(names, ifi.Name)
		if len(names) == 0 {
			wanted = ifi.Flags&net.FlagUp != 0 && ifi.Flags&net.FlagMulticast != 0
		}
		if wanted {
			found = append(found, addressesOf(ifi)...)
		}
	}
	return found, nil
}

func addressesOf(ifi net.Interface) (found []outlet) {
	addresses, err := ifi.Addrs()
	if err != nil { // it went away meanwhile
		return nil
	}
	for _, a := range addresses {
		network, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(network.IP)
		addr = addr.Unmap()
		switch {
		case !ok:
		case addr.Is4():
			found = append(found, outlet{ifi, addr})
		case addr.IsLinkLocalUnicast():
			found = append(found, outlet{ifi, addr.WithZone(ifi.Name)})
		}
	}
	return found
}

func nameAll(interfaces []net.Interface) string {
	var names []string
	for _, ifi := range interfaces {
		names = append(names, ifi.Name)
	}
	return strings.Join(names, ", ")
}
