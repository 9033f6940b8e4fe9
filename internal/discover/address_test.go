package discover_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/discover"
)

// Of all that a device says of itself, what is likely to work comes first, and every host is one that answered.
func TestDoors(t *testing.T) {
	four, six := netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("fe80::1%eth0")
	for _, test := range []struct {
		senders        []netip.Addr
		services, want []string
	}{
		{
			[]netip.Addr{six, four},
			[]string{"http://[fe80::1]/a", "https://10.0.0.5/b", "http://10.0.0.9/c", "http://10.0.0.5:8080/d?e"},
			[]string{"http://10.0.0.5:8080/d?e", "https://10.0.0.5/b", "http://[fe80::1%25eth0]/a", "http://[fe80::1%25eth0]/c"},
		},
		{
			[]netip.Addr{four},
			[]string{"http://[::ffff:10.0.0.5]:80", "http://10.0.0.5:80/onvif/device_service"},
			[]string{"http://10.0.0.5:80/onvif/device_service"},
		},
		{
			[]netip.Addr{four},
			[]string{"http://user:pw@camera.local/x", "http://0.0.0.0/x", "http://127.0.0.1:22/y"},
			[]string{"http://10.0.0.5/x", "http://10.0.0.5:22/y"},
		},
		{
			[]netip.Addr{four},
			[]string{"http://10.0.0.5:1/", "http://10.0.0.5:2/", "http://10.0.0.5:3/", "http://10.0.0.5:4/", "http://10.0.0.5:5/"},
			[]string{"http://10.0.0.5:1/", "http://10.0.0.5:2/", "http://10.0.0.5:3/", "http://10.0.0.5:4/"},
		},
		{[]netip.Addr{four}, []string{"ftp://10.0.0.5/", "http:///", "http://10.0.0.5:70000/", "10.0.0.5", "http://[fe80::1"}, nil},
	} {
		if got := discover.Doors(discover.Device{Senders: test.senders, Services: test.services}); !slices.Equal(got, test.want) {
			t.Errorf("%q of %v: it would be asked at %q, want %q", test.services, test.senders, got, test.want)
		}
	}
}
