package webhook_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
	"pgregory.net/rapid"
)

func TestAddressesOutOfReach(t *testing.T) {
	for _, address := range []string{
		"169.254.169.254", "169.254.170.2", "169.254.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", // metadata, link-local
		"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "255.255.255.255",
		"::", "fe80::1", "febf::1", "fe80::1%lo", "ff02::1", "ff05::2", "fd00:ec2::254", "fd20:ce::254",
		"::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:224.0.0.1", "::ffff:a9fe:a9fe", // as IPv6
		"::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", // by way of translators
	} {
		if err := webhook.Connecting("", net.JoinHostPort(address, "80")); err == nil || !strings.Contains(err.Error(), "results are not sent there") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{
		"127.0.0.1", "127.8.8.8", "10.0.0.1", "192.168.1.10", "172.16.0.1", "100.64.0.1", "8.8.8.8", "169.253.255.255", "169.255.0.0", "223.255.255.255",
		"::1", "fd00::1", "fc00::ec2", "2606:4700::1111", "::ffff:192.168.1.10", "64:ff9b::8.8.8.8", "2002:808:808::1",
	} {
		if err := webhook.Connecting("", net.JoinHostPort(address, "443")); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := webhook.Connecting("", "what is this"); err == nil {
		t.Error("an address that cannot be read is in reach")
	}
}

// However an IPv4 address is written as IPv6, the answer is the same.
func TestAnAddressIsOutOfReachInEveryDisguise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b [4]byte
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if rapid.Bool().Draw(t, "link-local") {
			b[0], b[1] = 169, 254
		}
		plain := netip.AddrFrom4(b)
		refused := webhook.Allowed(plain) != nil
		for _, disguise := range []netip.Addr{
			netip.AddrFrom16(plain.As16()),
			netip.AddrFrom16([16]byte{0: 0x00, 1: 0x64, 2: 0xff, 3: 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}),
			netip.AddrFrom16([16]byte{0: 0x20, 1: 0x02, 2: b[0], 3: b[1], 4: b[2], 5: b[3], 15: 1}),
		} {
			if (webhook.Allowed(disguise) != nil) != refused {
				t.Errorf("%v is refused: %v, but %v is not", plain, refused, disguise)
			}
		}
	})
}

func TestOurOwnStatusServerIsOutOfReach(t *testing.T) {
	mine := localAddress(t)
	for own, addresses := range map[string][]string{
		"127.0.0.1:9464": {"127.0.0.1:9464", "[::ffff:127.0.0.1]:9464"},
		"[::1]:9464":     {"[::1]:9464"},
		"localhost:9464": {"127.0.0.1:9464", "[::1]:9464"},
		":9464":          {"127.0.0.1:9464", "127.0.0.2:9464", "[::1]:9464", mine + ":9464"},
		"0.0.0.0:9464":   {"127.0.0.1:9464", mine + ":9464"},
		"[::]:9464":      {"127.0.0.1:9464", "[::1]:9464", mine + ":9464"},
	} {
		for _, address := range addresses {
			if err := webhook.Connecting(own, address); err == nil || !strings.Contains(err.Error(), "own status server") {
				t.Errorf("%s with the status at %s: %v", address, own, err)
			}
		}
		for _, address := range []string{"127.0.0.1:9465", "192.0.2.77:9464", "[2001:db8::1]:9464"} {
			if err := webhook.Connecting(own, address); err != nil {
				t.Errorf("%s with the status at %s: %v", address, own, err)
			}
		}
	}
}

// localAddress returns an IPv4 address of this machine that others can reach, or one of loopback where there is none.
func localAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range all {
		prefix, err := netip.ParsePrefix(each.String())
		if err == nil && prefix.Addr().Is4() && !prefix.Addr().IsLoopback() && !prefix.Addr().IsLinkLocalUnicast() {
			return prefix.Addr().String()
		}
	}
	return "127.0.0.3"
}

// What a name stands for decides, not how it is written.
func TestTheResolvedAddressDecides(t *testing.T) {
	r := listen(t, nil)
	_, port, err := net.SplitHostPort(r.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		s := openBeside(t, "url: 'http://"+host+":"+port+"/-/reload'", r.Listener.Addr().String())
		_, err := s.Deliver(t.Context(), results("1"))
		wantError(t, err, sink.Again, "own status server")
	}
	if got := r.requests(); len(got) > 0 {
		t.Errorf("it got %v", got)
	}
	deliver(t, openBeside(t, "url: http://localhost:"+port+"/", "127.0.0.1:1"), results("1")...)
}
