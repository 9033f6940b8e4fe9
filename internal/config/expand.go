package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// reference is what may stand between ${ and }: a name, and possibly a default after ":-".
var reference = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(:-(.*))?$`)

// expander puts the values of variables in the place of ${NAME} and ${NAME:-default}, inside values and
// after YAML has been parsed: a password may contain anything without breaking the file. A default counts
// when the variable is not set or empty. $${ stands for a literal ${.
type expander struct {
	lookup  func(string) (string, bool)
	report  *report
	secrets *[]secret.Secret // receives the values of variables that sound like secrets

	// lenient leaves an unset variable as it is written: a camera of another agent may name what only
	// that agent has.
	lenient bool
}

// tree expands every text below n.
func (x *expander) tree(n *node) {
	if n == nil {
		return
	}
	n.walk(func(n *node) {
		if n.kind == scalarKind && n.text == n.raw {
			n.text = x.text(n)
		}
	})
}

// text returns the expanded text of one value.
func (x *expander) text(n *node) string {
	var out strings.Builder
	rest := n.raw
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			out.WriteString(rest)
			return out.String()
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			out.WriteString(literal + "${")
			rest = after
			continue
		}
		out.WriteString(before)
		inside, tail, closed := strings.Cut(after, "}")
		if !closed {
			x.report.also(n, "found ${ without a closing }; close it, or write $${ for a literal ${")
			return out.String()
		}
		value, err := x.value(n, inside)
		if err != nil {
			x.report.also(n, "%s", err)
		}
		out.WriteString(value)
		rest = tail
	}
}

// value returns the value of the reference between the braces.
func (x *expander) value(n *node, inside string) (string, error) {
	match := reference.FindStringSubmatch(inside)
	if match == nil || strings.Contains(match[3], "${") {
		return "", fmt.Errorf("found ${…} that holds no variable; write ${NAME} or ${NAME:-default}, or $${ for a literal ${")
	}
	name, hasDefault, fallback := match[1], match[2] != "", match[3]
	value, set := x.lookup(name)
	switch {
	case hasDefault && value == "":
		return fallback, nil
	case !set && x.lenient:
		return "${" + inside + "}", nil
	case !set:
		return "", fmt.Errorf("the variable %s is not set; set it in the environment of the agent, or write ${%s:-default}", name, name)
	}
	if n.sensitive || isSecretName(name) {
		*x.secrets = append(*x.secrets, secret.New(value))
	}
	return value, nil
}

// defaults finds the default in a reference.
var defaults = regexp.MustCompile(`:-[^}]*`)

// hideDefaults blanks the defaults in a text with references, for messages.
func hideDefaults(raw string) string { return defaults.ReplaceAllString(raw, ":-…") }
