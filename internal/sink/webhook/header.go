package webhook

import (
	"encoding/base64"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// forbidden are headers that belong to the connection or to the signature; settings that contradict them break both.
var forbidden = []string{
	"Connection", "Content-Encoding", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
}

// checkHeaders puts together the headers of every request. It needs the form.
func (c *Config) checkHeaders(s config.Section) error {
	c.header = http.Header{
		"User-Agent":   {"overshoot-agent"},
		"Content-Type": {c.form.contentType},
		// A connection that the server closed while it was idle is found out by the next request. This lets the transport send that again
		// on a new one, as a result that comes twice has the same id. A header without values is not sent.
		"Idempotency-Key": nil,
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		value, canonical := c.Headers[name], http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			return s.Problemf("headers", "a name is no name of an HTTP header; write letters, digits and hyphens, and a colon with a space after them")
		case slices.Contains(forbidden, canonical):
			return s.Problemf("headers", "%s is set by the agent; remove it", canonical)
		case seen[canonical]:
			return s.Problemf("headers", "%s stands here twice; remove one of them", canonical)
		case !isHeaderValue(value.Reveal()):
			return s.Problemf("headers", "the value of %s holds a line break or another control character; remove it", canonical)
		}
		seen[canonical] = true
		c.header.Set(canonical, value.Reveal())
	}
	return c.authorize(s, seen["Authorization"])
}

// authorize adds the header Authorization for a token, or for a user name and password.
func (c *Config) authorize(s config.Section, given bool) error {
	login := c.Username != "" || !c.Password.IsZero()
	if login && !c.Token.IsZero() || given && (login || !c.Token.IsZero()) {
		return s.Problemf("headers", "more than one of token, username with password, and the header Authorization; keep one")
	}
	switch {
	case strings.Contains(c.Username, ":"):
		return s.Problemf("username", "holds a colon, which HTTP does not allow")
	case !isHeaderValue(c.Token.Reveal()):
		return s.Problemf("token", "holds a line break or another control character; remove it")
	case login:
		c.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password.Reveal())))
	case !c.Token.IsZero():
		c.header.Set("Authorization", "Bearer "+c.Token.Reveal())
	}
	return nil
}

// isJSON reports whether the header Content-Type, or the lack of one, promises JSON.
func (c *Config) isJSON() bool {
	for name, value := range c.Headers {
		if strings.EqualFold(name, "Content-Type") {
			media, _, err := mime.ParseMediaType(value.Reveal())
			return err == nil && (media == typeJSON || strings.HasSuffix(media, "+json"))
		}
	}
	return true
}

// isToken reports whether text may be a header's name (RFC 9110 §5.6.2).
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

// isHeaderValue reports whether text may be a header's value.
func isHeaderValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
