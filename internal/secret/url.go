package secret

import (
	"net/url"
	"strings"
)

// SplitUserinfo takes user name and password out of a URL, so that the rest can be shown:
// "rtsp://admin:p%40ss@host/path" gives "rtsp://host/path", "admin" and the secret "p@ss". A text without
// user information, or that is no URL, is returned as it is.
//
// People paste passwords with special characters as they are. A URL that makes no sense because of them
// ("rtsp://admin:a/b#c@host/path" does not parse, "rtsp://admin:a@#@host/path" has no host) is split at its
// last @.
func SplitUserinfo(raw string) (clean, username string, password Secret) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme == "" {
		return raw, "", Secret{}
	}
	end := len(rest)
	if parsed, err := url.Parse(raw); err == nil && parsed.Host != "" && !strings.Contains(parsed.Fragment, "@") {
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			end = i
		}
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return raw, "", Secret{}
	}
	user, pass, _ := strings.Cut(rest[:at], ":")
	return scheme + "://" + rest[at+1:], unescape(user), New(unescape(pass))
}

// unescape decodes percent escapes; a text with a bare % is taken literally.
func unescape(text string) string {
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return decoded
}
