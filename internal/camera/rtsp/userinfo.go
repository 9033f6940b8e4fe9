package rtsp

import (
	"net/url"
	"strings"
)

// splitUserinfo takes user name and password out of an address. Passwords are full of characters that a URL would want escaped, so it
// cuts at the last @ before the path and takes both as they stand; only what is validly escaped is unescaped.
func splitUserinfo(address string) (without, user, password string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address, "", ""
	}
	at := strings.LastIndexByte(rest, '@')
	if slash := strings.IndexByte(rest, '/'); at < 0 || (slash >= 0 && slash < strings.IndexByte(rest, '@')) {
		return address, "", ""
	}
	user, password, _ = strings.Cut(rest[:at], ":")
	return scheme + "://" + rest[at+1:], unescape(user), unescape(password)
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// place is an address for people: no user, no password, and no query, where some cameras want the password.
func place(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
