package discover

import (
	"net/netip"
	"net/url"
)

// StreamURL is what becomes of the address that a camera at this host gives for a stream.
func StreamURL(host netip.Addr, raw string) (address, said string, err error) {
	return door{url: &url.URL{Scheme: "http", Host: host.String()}, host: host}.streamURL(raw)
}

// ParseMatches reads an answer to a search.
func ParseMatches(text []byte) ([]Device, error) { return parseMatches(text) }

// Authorization answers the challenges of a header with a given cnonce; "" if it meets none.
func Authorization(header string, l Login, method, uri, cnonce string) string {
	c, _ := challenges(map[string][]string{"Www-Authenticate": {header}})
	if c == nil {
		return ""
	}
	return c.authorize(l, method, uri, cnonce)
}

// TokenDigest is the proof inside of a UsernameToken.
func TokenDigest(nonce []byte, created string, l Login) string { return tokenDigest(nonce, created, l) }

// ReadReply reads what came back for a question.
func ReadReply(text []byte) (login bool, streams int, err error) {
	f, err := parseFault(text, newCleaner(Login{}))
	if err != nil {
		return false, 0, err
	}
	if f != nil {
		return f.login, 0, f
	}
	var answer struct {
		Profiles []profile `xml:"Body>GetProfilesResponse>Profiles"`
	}
	err = unmarshal(text, &answer)
	for _, p := range answer.Profiles {
		_ = number(p.Encoder1.Width) + number(beforePoint(p.Encoder2.Rate))
	}
	return false, len(answer.Profiles), err
}

// Doors are the addresses at which a device would be asked, in that order.
func Doors(d Device) (all []string) {
	for _, one := range d.doors() {
		all = append(all, one.url.String())
	}
	return all
}
