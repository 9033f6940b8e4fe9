package discover

import (
	"errors"
	"net/url"
	"strings"
)

// How much of an answer to a search counts.
const (
	maxMatches  = 8
	maxServices = 8
	maxScopes   = 64
)

// probeMatches is what we read of an answer to a search.
type probeMatches struct {
	Matches []struct {
		Endpoint string `xml:"EndpointReference>Address"`
		Types    string `xml:"Types"`
		Scopes   string `xml:"Scopes"`
		XAddrs   string `xml:"XAddrs"`
	} `xml:"Body>ProbeMatches>ProbeMatch"`
}

var errNoMatch = errors.New("no ProbeMatch")

// parseMatches reads an answer to a search: the devices in it, without their senders. Devices that are no cameras are left out.
func parseMatches(text []byte) ([]Device, error) {
	var answer probeMatches
	if err := unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if len(answer.Matches) == 0 {
		return nil, errNoMatch
	}
	var devices []Device
	for _, m := range answer.Matches[:min(len(answer.Matches), maxMatches)] {
		scopes := fields(m.Scopes, maxScopes)
		if !isCamera(m.Types, scopes) {
			continue
		}
		d := Device{Endpoint: strings.TrimSpace(m.Endpoint), Services: fields(m.XAddrs, maxServices)}
		if d.Endpoint == "" { // against the standard; its address is the next best name
			d.Endpoint = strings.Join(d.Services, " ")
		}
		d.readScopes(scopes)
		devices = append(devices, d)
	}
	return devices, nil
}

// isCamera tells cameras from printers and the like, some of which answer whatever was asked.
func isCamera(types string, scopes []string) bool {
	if strings.Contains(types, "NetworkVideo") {
		return true
	}
	for _, scope := range scopes {
		if strings.HasPrefix(strings.ToLower(scope), "onvif:") {
			return true
		}
	}
	return false
}

// readScopes finds what people may know the device by, in scopes like onvif://www.onvif.org/name/Front%20Door (ONVIF Core, 7.3.2.2).
func (d *Device) readScopes(scopes []string) {
	clean := newCleaner(Login{})
	for _, scope := range scopes {
		parts := strings.SplitN(scope, "/", 5) // onvif: "" www.onvif.org name Front%20Door
		if len(parts) < 5 {
			continue
		}
		value := parts[4]
		if text, err := url.PathUnescape(value); err == nil {
			value = text
		}
		value = clean.line(value)
		switch strings.ToLower(parts[3]) {
		case "name":
			d.Name = joined(" ", d.Name, value)
		case "hardware":
			d.Hardware = joined(" ", d.Hardware, value)
		case "location":
			if !isRegion(value) {
				d.Location = joined(" ", d.Location, value)
			}
		}
	}
}

// isRegion recognises the locations that makers put in, which are nobody's room.
func isRegion(location string) bool {
	first, _, _ := strings.Cut(strings.ToLower(location), "/")
	return first == "country" || first == "city" || first == "global" || first == "unknown"
}

// fields splits a list of texts at white space, and takes no more than limit of them.
func fields(list string, limit int) []string {
	all := strings.Fields(list)
	return all[:min(len(all), limit)]
}
