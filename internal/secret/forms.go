package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// minRunes is the length from which a secret is looked for by its value. A shorter one would blank parts of
// ordinary words all over the log, and be guessed from the gaps.
const minRunes = 4

// minBase64 is the length from which a piece of base64 without fixed borders is specific enough.
const minBase64 = 8

// forms returns every spelling in which a secret may turn up in a text: as it is, escaped once or twice by
// the encoders that texts pass through on their way to a log, and inside base64.
func forms(text string) []string {
	if utf8.RuneCountInString(text) < minRunes {
		return nil
	}
	found := []string{text}
	for range 2 { // a quoted URL inside a JSON log line has been escaped twice
		for _, form := range slices.Clone(found) {
			found = append(found, escaped(form)...)
		}
		slices.Sort(found)
		found = slices.Compact(found)
	}
	found = append(found, base64Forms(text)...)
	slices.Sort(found)
	return slices.Compact(found)
}

// escaped returns the text as URLs, JSON, zap and %q write it.
func escaped(text string) []string {
	userinfo := strings.TrimPrefix(url.UserPassword("", text).String(), ":")
	percent := []string{url.QueryEscape(text), url.PathEscape(text), userinfo, strings.ReplaceAll(url.QueryEscape(text), "+", "%20")}
	quoted := strconv.Quote(text)
	all := []string{jsonBody(text, true), jsonBody(text, false), zapBody(text), quoted[1 : len(quoted)-1]}
	for _, form := range percent {
		all = append(all, form, lowerEscapes(form))
	}
	return all
}

// jsonBody returns the text as encoding/json writes it, without the quotes.
func jsonBody(text string, escapeHTML bool) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(escapeHTML)
	if err := encoder.Encode(text); err != nil {
		return text
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(out.String(), "\n"), `"`), `"`)
}

// zapBody returns the text as zap's JSON encoder writes it: no special care for HTML and JavaScript, and
// only three control characters with a short form.
func zapBody(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < ' ':
			out.WriteString(`\u00` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
		case r == utf8.RuneError:
			out.WriteString(`\ufffd`)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// lowerEscapes writes the hex digits of percent escapes in lower case, as some libraries do.
func lowerEscapes(text string) string {
	out := []byte(text)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i+1:i+3], strings.ToLower(string(out[i+1:i+3])))
		}
	}
	return string(out)
}

// base64Forms returns the text in base64: alone, and the part that stays the same when it is encoded
// together with something before and after it, such as "user:" in HTTP Basic authentication.
func base64Forms(text string) []string {
	var found []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		found = append(found, encoding.EncodeToString([]byte(text)))
		for before := range 3 {
			encoded := encoding.EncodeToString(append(make([]byte, before), text...))
			first := (before*8 + 5) / 6          // characters that hold bits of what precedes
			last := (before + len(text)) * 8 / 6 // the rest holds bits of what follows
			if last-first >= minBase64 {
				found = append(found, encoded[first:last])
			}
		}
	}
	return found
}
