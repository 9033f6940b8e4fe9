package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblemLines bounds the text of Problems: nobody reads more, and a log line has limits.
const maxProblemLines = 50

// Problem is one thing wrong with the configuration: where, what was found, what to do.
type Problem struct {
	// File is the file as it was named by the user; Line and Column count from 1. Line is 0 when the
	// problem is with the file as a whole, such as a missing one.
	File         string
	Line, Column int

	// Key is the path of the setting, such as cameras[0].watches[1]; "" for the whole file.
	Key string

	// Text says what was found and, after a semicolon, what to do.
	Text string
}

// Error returns "file:line:column: key: text".
func (p Problem) Error() string {
	return joinNonEmpty(": ", p.Position(), p.Key, p.Text)
}

// Position returns "file:line:column".
func (p Problem) Position() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Warning is something that works but is probably not what was meant.
type Warning Problem

// String returns the same form as [Problem.Error].
func (w Warning) String() string { return Problem(w).Error() }

// Problems is all that is wrong with a configuration, sorted by file and line. It is never empty where it
// is returned as an error. errors.As finds the single [Problem] values.
type Problems []Problem

// Error returns one line for each problem, and counts those beyond the first 50.
func (p Problems) Error() string {
	lines := make([]string, 0, min(len(p), maxProblemLines)+1)
	for _, problem := range p[:min(len(p), maxProblemLines)] {
		lines = append(lines, problem.Error())
	}
	if rest := len(p) - maxProblemLines; rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d more problems", rest))
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes the single problems visible to errors.Is and errors.As.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, problem := range p {
		all[i] = problem
	}
	return all
}

// report gathers what is found on the way. One report travels through a whole load.
type report struct {
	problems []Problem
	warnings []Warning
}

// at adds a problem with the node itself, unless one was reported there before.
func (r *report) at(n *node, format string, args ...any) {
	if !n.reported {
		r.also(n, format, args...)
	}
}

// also adds a problem with the node itself, whether or not it has others.
func (r *report) also(n *node, format string, args ...any) {
	n.reported = true
	r.problems = append(r.problems, n.problem("", format, args...))
}

// key adds a problem with the setting key of the mapping n, which may be missing.
func (r *report) key(n *node, key, format string, args ...any) {
	if child := n.get(key); child != nil {
		r.at(child, format, args...)
		return
	}
	r.problems = append(r.problems, n.problem(key, format, args...))
}

// warn adds a warning about the setting key of n, or about n itself when key is "", unless a problem was
// reported there.
func (r *report) warn(n *node, key, format string, args ...any) {
	if child := n.get(key); n.reported || child != nil && child.reported {
		return
	}
	r.warnings = append(r.warnings, Warning(n.problem(key, format, args...)))
}

// file adds a problem with a file as a whole.
func (r *report) file(name, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: name, Text: fmt.Sprintf(format, args...)})
}

// err returns the problems as an error, nil when there are none.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, byPosition)
	return Problems(r.problems)
}

// sortedWarnings returns the warnings in the order of the files.
func (r *report) sortedWarnings() []Warning {
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return byPosition(Problem(a), Problem(b)) })
	return r.warnings
}

func byPosition(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

func joinNonEmpty(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), separator)
}
