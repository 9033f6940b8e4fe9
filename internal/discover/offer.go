package discover

import "strings"

// An offer is one way to log in, of a WWW-Authenticate header.
type offer struct {
	scheme     string
	parameters map[string]string // names in lower case
}

// How much of a header counts.
const (
	maxOffers     = 8
	maxParameters = 16
)

// parseOffers reads a WWW-Authenticate header (RFC 9110, 11.6.1). Commas part offers as well as their parameters, so what tells them apart is
// whether = follows a word.
func parseOffers(header string) (offers []offer) {
	r := offerReader{rest: header}
	for len(offers) <= maxOffers {
		word := r.word()
		if word == "" {
			if !r.skip() {
				break
			}
			continue
		}
		if !r.next('=') {
			offers = append(offers, offer{word, map[string]string{}})
			continue
		}
		value := r.value()
		if len(offers) == 0 {
			continue
		}
		if known := offers[len(offers)-1].parameters; len(known) < maxParameters {
			known[strings.ToLower(word)] = value
		}
	}
	return offers
}

// An offerReader takes a header apart.
type offerReader struct{ rest string }

// word takes a token, "" if none comes next.
func (r *offerReader) word() (word string) {
	r.rest = strings.TrimLeft(r.rest, " \t,")
	end := strings.IndexAny(r.rest, " \t,=\"")
	if end < 0 {
		end = len(r.rest)
	}
	word, r.rest = r.rest[:end], r.rest[end:]
	return word
}

// next takes the byte if it comes next, after spaces.
func (r *offerReader) next(wanted byte) bool {
	rest := strings.TrimLeft(r.rest, " \t")
	if rest == "" || rest[0] != wanted {
		return false
	}
	r.rest = rest[1:]
	return true
}

// skip takes one byte that makes no sense; false at the end.
func (r *offerReader) skip() bool {
	if r.rest == "" {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// value takes a token or a quoted-string.
func (r *offerReader) value() string {
	if !r.next('"') {
		end := strings.IndexAny(r.rest, " \t,")
		if end < 0 {
			end = len(r.rest)
		}
		value := r.rest[:end]
		r.rest = r.rest[end:]
		return value
	}
	var value strings.Builder
	for i := 0; i < len(r.rest); i++ {
		switch b := r.rest[i]; {
		case b == '"':
			r.rest = r.rest[i+1:]
			return value.String()
		case b == '\\' && i+1 < len(r.rest):
			i++
			value.WriteByte(r.rest[i])
		default:
			value.WriteByte(b)
		}
	}
	r.rest = "" // somebody forgot to close it
	return value.String()
}
