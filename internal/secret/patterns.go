package secret

import (
	"regexp"
	"strings"
)

// pattern is a shape that secrets come in, for those whose value nobody has told us.
type pattern struct {
	// hints are texts of which one must occur before the expression is tried: most log lines hold none.
	hints []string

	// expression's first group is what is blanked.
	expression *regexp.Regexp
}

var patterns = []pattern{
	// JSON Web Tokens, such as those of LiveKit; an unfinished one too.
	{[]string{"eyJ"}, regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?)`)},

	// Overshoot API keys. The resource URLs ovs://… are none.
	{[]string{"ovs-", "ovs_"}, regexp.MustCompile(`(?:^|[^A-Za-z0-9])(ovs[-_][A-Za-z0-9_-]{4,})`)},

	// scheme://user:password@host. A raw password may hold / ? # : and @, so everything up to the last @
	// that precedes something like a host belongs to it. A path with an @ loses its host that way, which is
	// the better mistake.
	{[]string{"@"}, regexp.MustCompile("[A-Za-z][A-Za-z0-9+.-]*://([^\\s\"'`<>]+)@[A-Za-z0-9\\[]")},

	{[]string{"earer", "EARER"}, regexp.MustCompile(`(?i)bearer(?:[ \t]+|%20)([A-Za-z0-9._~+/=-]{8,})`)},
	{[]string{"uthorization", "UTHORIZATION"}, regexp.MustCompile(`(?i)authorization["']?[ \t]*[:=][ \t]*["'\[]*(?:basic|bearer|token)[ \t]+([^\s"'\],]+)`)},

	// Query parameters and the like.
	{[]string{"="}, regexp.MustCompile("(?i)(?:token|passphrase|password|passwd|pass|pwd|auth|secret|api_?key)=([^\\s&\"'`<>]+)")},
}

// find calls blank with the borders of every secret that has the shape.
func (p pattern) find(text string, blank func(start, end int)) {
	hinted := false
	for _, hint := range p.hints {
		hinted = hinted || strings.Contains(text, hint)
	}
	if !hinted {
		return
	}
	for _, match := range p.expression.FindAllStringSubmatchIndex(text, -1) {
		blank(match[2], match[3])
	}
}
