package discover

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// maxURL is how long the address of a stream may be, in bytes.
const maxURL = 1000

// streamURL makes of the address that a camera gives for a stream one for the configuration: without a login, and at the host that was asked,
// whatever host the camera wrote, which is then said. The rest stays as it was written, since some cameras know their paths in one spelling only.
func (one door) streamURL(raw string) (address, said string, err error) {
	if len(raw) > maxURL || !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }) {
		return "", "", errNoAddress
	}
	raw, _, _ = secret.SplitUserinfo(raw)
	u, err := url.Parse(raw)
	if err != nil || !validPort(u.Port()) || u.Hostname() == "" {
		return "", "", errNoAddress
	}
	if u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return "", "", fmt.Errorf("its stream is not at an address with rtsp:// (%.20q)", u.Scheme)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err != nil || addr.Unmap().WithZone("") != one.host.WithZone("") {
		said = u.Hostname()
	}
	_, rest, _ := strings.Cut(raw, "://")
	rest, _, _ = strings.Cut(rest, "#") // no request may hold a fragment
	path := ""
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		path = rest[at:]
	}
	base := url.URL{Scheme: u.Scheme, Host: hostPort(one.host, u.Port())}
	return base.String() + path, said, nil
}

var errNoAddress = errors.New("the address of its stream is none")

// passwords finds those that cameras write into their addresses. Where such a value ends is a guess; a part of it too many is the better mistake.
var passwords = regexp.MustCompile(`(?i)((?:password|passwd|pwd|pass|token|api_?key)=)([^&\s]+?)(_channel=|&|$)`)

// withoutPasswords puts a variable in the place of passwords in an address, and doubles the $ of what would be one to the configuration: a
// camera could have any variable of the agent sent to itself that way. found is whether there was a password.
func withoutPasswords(address string, login Login, variable string) (text string, found bool) {
	const mark = "\x00" // which no address holds
	text = passwords.ReplaceAllString(address, "${1}"+mark+"${3}")
	if known := login.Password.Reveal(); utf8.RuneCountInString(known) >= 4 {
		for _, spelled := range []string{known, url.QueryEscape(known), url.PathEscape(known)} {
			text = strings.ReplaceAll(text, spelled, mark)
		}
	}
	found = strings.Contains(text, mark)
	text = strings.ReplaceAll(text, "${", "$${")
	return strings.ReplaceAll(text, mark, "${"+variable+"}"), found
}
