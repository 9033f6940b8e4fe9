package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// A reach says which addresses results may go to. It looks at the address a name was resolved to, at the moment of connecting, so that no
// name server can lead us elsewhere afterwards. Private networks and this machine are within reach: most receivers are there.
type reach struct {
	own string // host:port of the agent's own status server; "" for none
}

// control is a net.Dialer's Control.
func (r reach) control(_, address string, _ syscall.RawConn) error {
	return guard.Run(func() error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("the address %q cannot be checked", address)
		}
		if err := allowed(to.Addr()); err != nil {
			return err
		}
		if r.isOwn(to) {
			return errors.New("this is the agent's own status server; results are not sent there")
		}
		return nil
	})
}

// metadata are the addresses at which clouds tell machines their credentials, as far as they are not link-local.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("192.0.0.192"),     // Oracle
}

// thisNetwork is 0.0.0.0/8, of which some systems reach themselves.
var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

// allowed refuses what no receiver of results can have for an address. An IPv4 address inside an IPv6 address counts as what it is.
func allowed(a netip.Addr) error {
	for _, a := range append(embedded(a), a.Unmap().WithZone("")) {
		switch {
		case a.IsUnspecified() || thisNetwork.Contains(a):
			return fmt.Errorf("%v is no address of a server; results are not sent there", a)
		case a.IsLinkLocalUnicast() || slices.Contains(metadata, a):
			return fmt.Errorf("%v is link-local or belongs to a cloud's metadata service; results are not sent there", a)
		case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			return fmt.Errorf("%v is no single server; results are not sent there", a)
		}
	}
	return nil
}

// embedding are the prefixes behind which an IPv4 address stands, and where in the 16 bytes.
var embedding = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"):    12, // NAT64, RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"):  12, // NAT64 of a local network, RFC 8215, in its usual form
	netip.MustParsePrefix("2002::/16"):       2,  // 6to4, RFC 3056
	netip.MustParsePrefix("::ffff:0:0:0/96"): 12, // SIIT, RFC 2765
	netip.MustParsePrefix("::/96"):           12, // IPv4-compatible, RFC 4291
}

// embedded returns the IPv4 addresses that an IPv6 address leads to by way of a translator; ::1 and :: lead to none.
func embedded(a netip.Addr) []netip.Addr {
	a = a.WithZone("")
	if !a.Is6() || a.Is4In6() || a.IsLoopback() || a.IsUnspecified() {
		return nil
	}
	var found []netip.Addr
	bytes := a.As16()
	for prefix, at := range embedding {
		if prefix.Contains(a) {
			found = append(found, netip.AddrFrom4([4]byte(bytes[at:at+4])))
		}
	}
	return found
}

// isOwn reports whether the status server listens there.
func (r reach) isOwn(to netip.AddrPort) bool {
	host, port, err := net.SplitHostPort(r.own)
	if err != nil || port != strconv.Itoa(int(to.Port())) {
		return false
	}
	listening, err := netip.ParseAddr(host)
	if err != nil || listening.IsUnspecified() { // a name such as localhost, or every address of this machine
		return isLocal(to.Addr())
	}
	return listening.Unmap() == to.Addr().Unmap()
}

// isLocal reports whether an address is one of this machine; when that cannot be found out, it is.
func isLocal(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	all, err := net.InterfaceAddrs()
	if err != nil || a.IsLoopback() {
		return true
	}
	return slices.ContainsFunc(all, func(local net.Addr) bool {
		prefix, err := netip.ParsePrefix(local.String())
		return err == nil && prefix.Addr().Unmap() == a
	})
}
