package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

type kind int

const (
	nullKind kind = iota
	scalarKind
	listKind
	mapKind
)

// node is one value of the YAML with all that a message about it needs. Aliases and merges are resolved.
type node struct {
	kind      kind
	file      string
	line, col int
	path      string // such as cameras[0].source.url; "" for the root

	text      string // of a scalar, with variables expanded
	raw       string // of a scalar, as written
	plain     bool   // of a scalar: written without quotes, so it may be a number or true
	sensitive bool   // the key says that this is a secret: never show it
	reported  bool   // a problem was reported here; what follows from it is not worth a line

	items   []*node // of a list
	entries []entry // of a mapping, in file order
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	shown string // the key as it may be printed
	line  int
	col   int
	value *node
}

// get returns the value of a key, nil when the mapping does not have it.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// take removes a key from the mapping and returns its value, nil when there is none.
func (n *node) take(key string) *node {
	value := n.get(key)
	n.entries = slices.DeleteFunc(n.entries, func(e entry) bool { return e.key == key })
	return value
}

// put adds a key that the mapping does not have.
func (n *node) put(key string, value *node) {
	n.entries = append(n.entries, entry{key: key, shown: key, line: value.line, col: value.col, value: value})
}

// section returns the mapping below key, or an empty one in the place of n when there is none, so that
// checks of a missing section need no special case.
func (n *node) section(key string) *node {
	if child := n.get(key); child != nil && child.kind == mapKind {
		return child
	}
	return &node{kind: mapKind, file: n.file, line: n.line, col: n.col, path: joinNonEmpty(".", n.path, key)}
}

// putText adds a setting that the loader derives from what is written at another place.
func (n *node) putText(key, text string, from *node) {
	n.put(key, &node{
		kind: scalarKind, file: from.file, line: from.line, col: from.col, path: joinNonEmpty(".", n.path, key),
		text: text, raw: text, plain: from.plain, sensitive: isSecretName(key),
	})
}

// problem returns a problem with the setting key of n, or with n itself when key is "". A missing key is
// placed at the start of n.
func (n *node) problem(key, format string, args ...any) Problem {
	p := Problem{File: n.file, Line: n.line, Column: n.col, Key: n.path, Text: fmt.Sprintf(format, args...)}
	if key == "" {
		return p
	}
	p.Key = joinNonEmpty(".", n.path, key)
	if child := n.get(key); child != nil {
		p.File, p.Line, p.Column, p.Key = child.file, child.line, child.col, child.path
	}
	return p
}

// position returns "file:line:column".
func (n *node) position() string { return n.problem("", "").Position() }

// expanded reports whether a variable was put into the scalar.
func (n *node) expanded() bool { return n.text != n.raw }

// found describes the value for "found …" in a message, and keeps to itself what could be a secret.
func (n *node) found() string {
	switch n.kind {
	case nullKind:
		return "nothing"
	case listKind:
		return "a list"
	case mapKind:
		return "a mapping"
	}
	if n.sensitive {
		return "a text"
	}
	if n.expanded() { // the name of the variable helps, its value might be secret
		return quoteShort(hideDefaults(n.raw))
	}
	return quoteShort(n.text)
}

// equal reports whether both trees hold the same values, wherever they stand. A value with quotes and one
// without differ, because "10" and 10 do where any type is allowed.
func (n *node) equal(other *node) bool {
	if n == nil || other == nil {
		return n == other
	}
	if n.kind != other.kind || n.text != other.text || n.plain != other.plain ||
		len(n.items) != len(other.items) || len(n.entries) != len(other.entries) {
		return false
	}
	for i := range n.items {
		if !n.items[i].equal(other.items[i]) {
			return false
		}
	}
	for _, e := range n.entries {
		if value := other.get(e.key); value == nil || !e.value.equal(value) {
			return false
		}
	}
	return true
}

// walk calls visit for n and everything below it.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, item := range n.items {
		item.walk(visit)
	}
	for _, e := range n.entries {
		e.value.walk(visit)
	}
}

// quoteShort quotes a text of the user for a message: cut to one readable piece, without credentials.
func quoteShort(text string) string {
	var blank secret.Scrubber
	text = blank.Scrub(text)
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "…"
	}
	return strconv.Quote(text)
}

// showKey returns a key as it may be printed. A forgotten space ("password:hunter2" inside braces) makes the
// value a part of the key, so what follows a colon or an equals sign is not shown.
func showKey(key string) string {
	var blank secret.Scrubber
	key = blank.Scrub(key)
	end := strings.IndexFunc(key, func(r rune) bool { return r == ':' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r) })
	if end < 0 && len(key) > 64 {
		end = 64
	}
	if end < 0 {
		return key
	}
	return strings.ToValidUTF8(key[:end], "") + "…"
}

// secretWords are the last words of keys and variables that hold secrets.
var secretWords = []string{
	"password", "passwd", "pwd", "pass", "passphrase", "secret", "token", "key", "credential", "credentials", "authorization", "cookie",
}

// isSecretName reports whether a key or a variable of this name holds a secret, such as api_key or DOOR_PASSWORD.
func isSecretName(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	if len(words) == 0 {
		return false
	}
	last := strings.TrimRight(words[len(words)-1], "0123456789")
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.HasSuffix(last, word) })
}
