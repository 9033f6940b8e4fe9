package overshoot

import (
	"regexp"
	"strings"
	"unicode"
)

// maxMessage is the longest text that is taken over from a stranger, in characters.
const maxMessage = 300

// clean makes a text of unknown origin fit for a log: one line of printable
// characters, without secrets, at most maxMessage long. Secrets go before the text
// is cut, as half a key is still worth hiding.
func clean(text string, secrets ...string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = redact(strings.Join(strings.Fields(text), " "), secrets...)
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage-1]) + "…"
	}
	return text
}

const redacted = "<secret>"

// Anything shorter is no key, and replacing it would tear words apart.
const minSecret = 6

// redact hides the given secrets and whatever has the form of one: API keys, JWTs,
// bearer headers, tokens in queries and passwords in URLs.
func redact(text string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	text = userInfo.ReplaceAllString(text, "://"+redacted+"@")
	text = labelled.ReplaceAllString(text, "${1}"+redacted)
	return shaped.ReplaceAllString(text, redacted)
}

var (
	userInfo = regexp.MustCompile(`://[^\s/"']*@`)
	labelled = regexp.MustCompile(`(?i)(\bbearer\s+|\b(?:access_)?token=|\b(?:api_)?key=)[^\s&"',<]{8,}`)
	shaped   = regexp.MustCompile(`ovs[-_][A-Za-z0-9_-]{4,}|eyJ[A-Za-z0-9_-]{6,}(\.[A-Za-z0-9_-]*)*`)
)

// maxRegion is far above any region's name.
const maxRegion = 64

// isWord accepts what is safe in a path, a header and an ovs:// URL as it stands.
func isWord(s string, longest int) bool {
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, func(r rune) bool { return !isWordRune(r) })
}

func isWordRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}
