package webhook

import (
	"bytes"
	"strings"
	"unicode"
)

const (
	// maxPiece is how much of a stranger's text goes into an error, in characters.
	maxPiece = 200
	// looked is how much of it is looked at for that, in bytes.
	looked = 1 << 10
	// echo is the length from which a text that stands in our request counts as quoted from there, in bytes.
	echo = 8
)

// clean makes a stranger's text fit for an error: one short line of printable characters, without the secrets of the settings and without
// what it quotes of the request, since results belong in no log.
func (s *Sink) clean(text string, sent []byte) string {
	text = s.secrets.Scrub(text) // before anything cuts a secret in two or takes its spaces away
	text = string(unquote([]byte(text[:min(looked, len(text))]), sent))
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = s.secrets.Scrub(strings.Join(strings.Fields(text), " ")) // and what was in two until now
	if runes := []rune(text); len(runes) > maxPiece {
		return string(runes[:maxPiece-1]) + "…"
	}
	return text
}

// unquote puts an ellipsis in the place of each stretch of text that also stands in sent.
func unquote(text, sent []byte) []byte {
	var out []byte
	for i := 0; i < len(text); {
		n := 0
		for i+max(n+1, echo) <= len(text) && bytes.Contains(sent, text[i:i+max(n+1, echo)]) {
			n = max(n+1, echo)
		}
		if n == 0 {
			out = append(out, text[i])
			i++
			continue
		}
		out = append(out, "…"...)
		i += n
	}
	return out
}
