package config

import (
	"regexp"
)

// validName is what cameras, watches, sinks, keys and agents may be called: safe in paths, topics and labels.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

const nameRule = "use up to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit"

// checkName complains about a name under key of n, or about the name of n itself when key is "".
func checkName(r *report, n *node, key, name string) {
	if validName.MatchString(name) {
		return
	}
	if key == "" {
		r.at(n, "%s cannot be a name; %s", quoteShort(showKey(name)), nameRule)
		return
	}
	r.key(n, key, "%s cannot be a name; %s", quoteShort(name), nameRule)
}

// unique complains when a name was taken before, and tells where. first maps names to their owners.
func unique(r *report, first map[string]*node, what, name string, n *node) {
	if name == "" {
		return
	}
	if other, taken := first[name]; taken {
		r.also(n, "the %s %q is also defined at %s; rename or remove one of them", what, name, other.position())
		return
	}
	first[name] = n
}
