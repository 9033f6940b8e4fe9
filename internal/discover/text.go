package discover

import (
	"slices"
	"strings"
	"unicode"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// maxText is how much is shown of a text that a stranger wrote, in runes.
const maxText = 80

// A cleaner makes texts of strangers fit to be shown. They may hold line ends, which would become YAML, escape sequences for the terminal, and
// what was sent to them.
type cleaner struct{ scrubber secret.Scrubber }

// newCleaner returns a cleaner that knows the password which cameras are about to see.
func newCleaner(login Login) *cleaner {
	c := &cleaner{}
	c.scrubber.Add(login.Password)
	return c
}

// line returns the text as one line that can be printed, without secrets, cut to a bearable length.
func (c *cleaner) line(text string) string {
	text = c.sentence(text)
	if runes := []rune(text); len(runes) > maxText {
		text = strings.TrimSpace(string(runes[:maxText])) + "…"
	}
	return text
}

// sentence is line for a text that is ours and has lines of strangers in it.
func (c *cleaner) sentence(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	return c.scrubber.Scrub(strings.Join(strings.Fields(text), " "))
}

// joined puts texts together that are there, and leaves out those that an earlier one already says: models often begin with their maker.
func joined(separator string, texts ...string) string {
	var kept []string
	for _, text := range texts {
		said := func(other string) bool { return strings.Contains(strings.ToLower(other), strings.ToLower(text)) }
		if text == "" || slices.ContainsFunc(kept, said) {
			continue
		}
		kept = slices.DeleteFunc(kept, func(other string) bool { return strings.HasPrefix(strings.ToLower(text), strings.ToLower(other)) })
		kept = append(kept, text)
	}
	return strings.Join(kept, separator)
}
