package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits of one file. A fleet of a thousand cameras needs a tenth of them; they exist because aliases let a
// few lines of YAML stand for billions of values.
const (
	maxFileBytes = 4 << 20
	maxNodes     = 200_000
	maxDepth     = 64
)

// parse turns the text of one file into a tree whose root is a mapping. It returns nil when the text is no
// YAML mapping; the reasons are in the report.
func parse(file string, text []byte, r *report) *node {
	start := &node{file: file, line: 1, col: 1}
	document, err := parseDocument(text)
	if err != nil {
		r.problems = append(r.problems, syntaxProblem(file, text, err))
		return nil
	}
	if document == nil || len(document.Content) == 0 {
		r.at(start, "the file is empty; start from the example configuration, overshoot-agent.yaml")
		return nil
	}
	p := parser{file: file, report: r, open: map[*yaml.Node]bool{}}
	root := p.node(document.Content[0], "", 0)
	if p.full {
		return nil
	}
	if root.kind == nullKind {
		r.at(start, "the file is empty; start from the example configuration, overshoot-agent.yaml")
		return nil
	}
	if root.kind != mapKind {
		r.at(root, "found %s instead of settings; write lines of the form \"key: value\"", kindName(root))
		return nil
	}
	return root
}

// parseDocument returns the only document of the text, nil for none.
func parseDocument(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	err := decoder.Decode(&second)
	if err == nil {
		return nil, secondDocumentError{line: second.Line}
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &document, nil
}

// parser turns the nodes of the YAML library into ours.
type parser struct {
	file   string
	report *report
	nodes  int
	full   bool                // a limit was exceeded: the tree is useless
	open   map[*yaml.Node]bool // collections being converted, to notice one that contains itself
}

func (p *parser) node(y *yaml.Node, path string, depth int) *node {
	n := &node{file: p.file, line: y.Line, col: y.Column, path: path}
	if p.full || p.exceeds(n, depth) {
		return n
	}
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if p.open[y] {
		p.report.at(n, "the alias stands inside the value that it names; write the value out")
		p.full = true
		return n
	}
	if y.Style&yaml.TaggedStyle != 0 && y.ShortTag() != "!!str" {
		p.report.at(n, "found a value that begins with !, which YAML takes for a tag; put the value in quotes")
		return n
	}
	p.open[y] = true
	defer delete(p.open, y)
	switch y.Kind {
	case yaml.ScalarNode:
		p.scalar(n, y)
	case yaml.SequenceNode:
		n.kind = listKind
		for i, item := range y.Content {
			n.items = append(n.items, p.node(item, fmt.Sprintf("%s[%d]", path, i), depth+1))
		}
	case yaml.MappingNode:
		n.kind = mapKind
		p.mapping(n, y, depth)
	}
	return n
}

// exceeds counts a node and reports the first that is over a limit.
func (p *parser) exceeds(n *node, depth int) bool {
	p.nodes++
	here := &node{file: n.file, line: n.line, col: n.col} // the path would be as long as the nesting is deep
	switch {
	case depth > maxDepth:
		p.report.at(here, "values are nested more than %d deep; make the structure flatter", maxDepth)
	case p.nodes > maxNodes:
		p.report.at(here, "the file has more than %d values once aliases are resolved; use fewer aliases or more files", maxNodes)
	default:
		return false
	}
	p.full = true
	return true
}

func (p *parser) scalar(n *node, y *yaml.Node) {
	if y.ShortTag() == "!!null" {
		return
	}
	n.kind = scalarKind
	n.text, n.raw = y.Value, y.Value
	n.plain = y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0
}

func (p *parser) mapping(n *node, y *yaml.Node, depth int) {
	var merges []*yaml.Node
	first := map[string]int{} // the line of each key
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		line, col := key.Line, key.Column
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		e := entry{key: key.Value, shown: showKey(key.Value), line: line, col: col}
		if y.Style&yaml.FlowStyle != 0 && value.Value == "" && value.ShortTag() == "!!null" {
			e.shown = "…" // {password: one, two}: the rest of a value with a comma
		}
		here := &node{file: n.file, line: line, col: col, path: joinNonEmpty(".", n.path, e.shown)}
		switch {
		case key.Kind != yaml.ScalarNode:
			here.path = n.path
			p.report.at(here, "found a list or a mapping as a key; if this is a value with braces or brackets, put it in quotes")
		case key.ShortTag() == "!!merge":
			merges = append(merges, value)
		case depth == 0 && strings.HasPrefix(key.Value, "x-"):
			// A place for anchors; what it holds is read where an alias names it.
		case first[e.key] > 0:
			p.report.at(here, "stands here for the second time, the first is in line %d; remove one of them", first[e.key])
		default:
			first[e.key] = line
			e.value = p.mapped(value, e, here.path, depth)
			n.entries = append(n.entries, e)
		}
	}
	for _, merge := range merges {
		p.merge(n, merge, first, depth)
	}
}

// mapped returns the value of a key.
func (p *parser) mapped(y *yaml.Node, e entry, path string, depth int) *node {
	value := p.node(y, path, depth+1)
	if isSecretName(e.key) {
		value.walk(func(below *node) { below.sensitive = true })
	}
	if value.kind != scalarKind { // a block begins below its key; people look for the key
		value.line, value.col = e.line, e.col
	}
	return value
}

// merge carries out "<<: *anchor": it adds the keys of the merged mappings that n does not have itself.
func (p *parser) merge(n *node, y *yaml.Node, first map[string]int, depth int) {
	merged := p.node(y, n.path, depth+1)
	sources := []*node{merged}
	if merged.kind == listKind {
		sources = merged.items
	}
	for _, source := range sources {
		if source.kind != mapKind {
			p.report.at(source, "<< merges mappings, but this is %s; write an alias of a mapping", kindName(source))
			continue
		}
		for _, e := range source.entries {
			if first[e.key] == 0 {
				first[e.key] = e.line
				n.entries = append(n.entries, e)
			}
		}
	}
}

func kindName(n *node) string {
	if n.kind == scalarKind {
		return "a single text"
	}
	return n.found()
}
