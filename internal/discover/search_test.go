package discover_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/discover"
	"github.com/overshoot-ai/overshoot-agent/internal/discover/onviftest"
)

// at is the address of the n-th camera of a test.
func at(n int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 1, byte(n)}) }

// matchOf is the least that an answer needs.
func matchOf(endpoint, xaddrs string) string {
	return `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><ProbeMatches xmlns="http://schemas.xmlsoap.org/ws/2005/04/discovery">` +
		`<ProbeMatch><a:EndpointReference xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">` +
		`<a:Address> ` + endpoint + ` </a:Address></a:EndpointReference>` +
		`<Types>NetworkVideoTransmitter</Types><XAddrs>` + xaddrs + `</XAddrs></ProbeMatch></ProbeMatches></e:Body></e:Envelope>`
}

// A network with all sorts of things on it, searched once.
func TestSearch(t *testing.T) {
	cameras := []onviftest.Camera{
		0: {
			Endpoint: "urn:uuid:named",
			Scopes: "onvif://www.onvif.org/type/video_encoder\n onvif://www.onvif.org/name/Front%20Door%0A-%20x\tonvif://www.onvif.org/hardware/D3" +
				" onvif://www.onvif.org/location/country/china onvif://www.onvif.org/location/Hall%zz onvif://www.onvif.org/Profile/Streaming",
			XAddrs: func(own string) string {
				return "http://169.254.7.7/onvif/device_service\n\t" + own + "  https://[fe80::1]/x"
			}, Repeats: 3,
		},
		1: {Endpoint: "urn:uuid:two-feet", Scopes: "onvif://www.onvif.org/"},
		2: {Endpoint: "urn:uuid:two-feet", Types: "tds:Device dn:NetworkVideoTransmitter"},
		3: {Match: func(string) []byte { return []byte("\x1b[2J<not xml") }},
		4: {Match: func(string) []byte { return []byte("<Envelope><Body><Hello/></Body></Envelope>") }},
		5: {Endpoint: "urn:uuid:printer", Types: "wprt:PrintDeviceType"},
		6: {},
		7: {},
	}
	many := 0
	cameras[6].Repeats = 300
	cameras[6].Match = func(own string) []byte {
		many++
		return []byte(matchOf(fmt.Sprint("urn:uuid:", many), own+fmt.Sprint(many)))
	}
	changing := 0
	cameras[7].Match = func(own string) []byte {
		changing++
		return []byte(matchOf(fmt.Sprint("urn:uuid:changing", changing), own))
	}
	for i, c := range cameras {
		onviftest.Start(t, loopback, at(i+1), c)
	}
	found, err := discover.Search(t.Context(), discover.Options{Timeout: 2 * time.Second, Interfaces: []string{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	of := map[netip.Addr][]discover.Device{}
	for _, d := range found.Devices {
		of[d.Senders[0]] = append(of[d.Senders[0]], d)
	}
	if len(of[at(1)]) != 1 {
		t.Fatalf("found %+v", found.Devices)
	}
	if d := of[at(1)][0]; d.Name != "Front Door - x" || d.Hardware != "D3" || d.Location != "Hall%zz" || len(d.Services) != 3 {
		t.Errorf("the first is %+v", d)
	}
	two := slices.Concat(of[at(2)], of[at(3)])
	if len(two) != 1 || len(two[0].Senders) != 2 || len(two[0].Services) != 2 {
		t.Errorf("the one with two addresses is %+v", two)
	}
	if n := len(of[at(7)]); n != 32 {
		t.Errorf("%d of one address were taken seriously", n)
	}
	if n := len(of[at(8)]); n != 1 {
		t.Errorf("the one that changes its name is there %d times", n)
	}
	if len(of) != 4 {
		t.Errorf("found %+v", found.Devices)
	}
	if !slices.Equal(found.Asked, []string{"lo (127.0.0.1)"}) {
		t.Errorf("asked was on %q", found.Asked)
	}
	troubles := strings.Join(found.Troubles, "\n")
	for _, want := range []string{
		"127.0.1.4 answered something", "127.0.1.5 answered something that is not understood (no ProbeMatch)", "32 from one address",
	} {
		if !strings.Contains(troubles, want) {
			t.Errorf("it does not say %q: %s", want, troubles)
		}
	}
	if len(found.Troubles) != 3 || strings.Contains(troubles, "\x1b") {
		t.Errorf("it says %q", found.Troubles)
	}
}

func TestSearchOnNoInterface(t *testing.T) {
	_, err := discover.Search(t.Context(), discover.Options{Timeout: time.Second, Interfaces: []string{"nowhere0"}})
	if err == nil || !strings.Contains(err.Error(), `no network interface "nowhere0"; there are`) || !strings.Contains(err.Error(), "lo") {
		t.Errorf("%v", err)
	}
}
