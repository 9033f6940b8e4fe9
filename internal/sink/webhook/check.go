package webhook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// check finds what is wrong with a template whatever the events will be: keys that no event has, and a failure on every event there could be.
func (t bodyTemplate) check() error {
	event, err := blankView()
	if err != nil {
		return err
	}
	r := reader{}
	r.read(t.Root, true)
	var open [][]string // below a place where an event may have anything
	for _, f := range r.fields {
		isOpen, err := find(f.path, event)
		if err != nil {
			location, _ := t.ErrorContext(f.node)
			return inTemplate(fmt.Errorf("template: %s: %w", location, err))
		}
		if isOpen {
			open = append(open, f.path)
		}
	}
	if r.opaque || len(open) > maxGuessed {
		return nil
	}
	// Whether it makes JSON may hang on a branch that no guess leads to.
	return bodyTemplate{t.Template, t.isJSON && !r.branches}.try(open)
}

// find says whether events have a key, and whether it is one below which they may have anything.
func find(path []string, event map[string]any) (open bool, err error) {
	for i, key := range path {
		value, found := event[key]
		if !found {
			return false, fmt.Errorf("no event has .%s; %s", strings.Join(path[:i+1], "."), config.DidYouMean(key, slices.Sorted(maps.Keys(event))))
		}
		if prefix := strings.Join(path[:i+1], "."); prefix == "data.result" || prefix == "data.labels" {
			return true, nil
		}
		below, isMap := value.(map[string]any)
		if !isMap {
			return false, nil // what follows is for text/template to complain about
		}
		event = below
	}
	return false, nil
}

// maxGuessed is for how many open keys all kinds of values are tried.
const maxGuessed = 4

// try renders the template with events in which the open keys have values of every kind, in every combination. When it fails with all of
// them, it will always fail.
func (t bodyTemplate) try(open [][]string) (err error) {
	combinations := 1
	for range open {
		combinations *= len(guesses())
	}
	for i := range combinations {
		event, failure := blankView()
		if failure != nil {
			return failure
		}
		rest := i
		for _, path := range open {
			plant(event, path, guesses()[rest%len(guesses())])
			rest /= len(guesses())
		}
		if _, failure := t.render(event); failure == nil {
			return nil
		} else if err == nil {
			err = failure
		}
	}
	return err
}

// guesses returns a value of each kind that matters to a template, a fresh one each time.
func guesses() []any { return []any{"a \"text\"", number(1), true, map[string]any{}} }

// plant gives a key a value, with mappings on the way to it.
func plant(event map[string]any, path []string, value any) {
	last := len(path) - 1
	for _, key := range path[:last] {
		below, isMap := event[key].(map[string]any)
		if !isMap {
			below = map[string]any{}
			event[key] = below
		}
		event = below
	}
	if _, isMap := event[path[last]].(map[string]any); !isMap {
		event[path[last]] = value
	}
}

// A reader finds the keys of the event that a template names.
type reader struct {
	fields   []field
	branches bool // parts of it depend on the event
	opaque   bool // there is more to it than can be read
}

type field struct {
	path []string
	node parse.Node
}

// read goes through a node and all below it. atRoot tells whether the dot is the event there.
func (r *reader) read(n parse.Node, atRoot bool) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, each := range n.Nodes {
				r.read(each, atRoot)
			}
		}
	case *parse.ActionNode:
		r.read(n.Pipe, atRoot)
	case *parse.IfNode:
		r.branch(&n.BranchNode, atRoot, atRoot)
	case *parse.WithNode:
		r.branch(&n.BranchNode, atRoot, false)
	case *parse.RangeNode:
		r.opaque = true
		r.branch(&n.BranchNode, atRoot, false)
	case *parse.TemplateNode:
		r.opaque = true
		r.read(n.Pipe, atRoot)
	case *parse.PipeNode:
		if n != nil {
			for _, command := range n.Cmds {
				for _, arg := range command.Args {
					r.argument(arg, atRoot)
				}
			}
		}
	}
}

func (r *reader) branch(n *parse.BranchNode, atRoot, inside bool) {
	r.branches = true
	r.read(n.Pipe, atRoot)
	r.read(n.List, inside)
	r.read(n.ElseList, atRoot)
}

func (r *reader) argument(n parse.Node, atRoot bool) {
	switch n := n.(type) {
	case *parse.FieldNode:
		if atRoot {
			r.fields = append(r.fields, field{n.Ident, n})
		} else {
			r.opaque = true
		}
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			r.fields = append(r.fields, field{n.Ident[1:], n})
		} else if n.Ident[0] != "$" {
			r.opaque = true
		}
	case *parse.ChainNode:
		r.opaque = true
		r.argument(n.Node, atRoot)
	case *parse.IdentifierNode:
		if n.Ident == "index" || n.Ident == "slice" {
			r.opaque = true
		}
	case *parse.PipeNode:
		r.read(n, atRoot)
	}
}
