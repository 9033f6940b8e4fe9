// Package config turns the YAML of a user into checked Go values, and explains what is wrong with it.
//
// [Load] goes through these steps, each in a file of its own:
//
//	parse.go       YAML text -> a tree of nodes that know file, line and key path; aliases and merges resolved
//	expand.go      ${VARIABLES} inside the values of that tree
//	include.go     further files with more cameras, watches and sinks
//	decode.go      tree -> structs, strictly: unknown keys and wrong types are problems
//	references.go  what no single value can tell: names that do not exist, watches nobody uses
//
// It does not stop at the first problem: everything wrong is in one answer, [Problems], one line each, in
// the form "file:line:column: key: what was found; what to do". No line of the file and no secret is ever
// part of a message.
//
// The package knows no kind of source or sink. Their settings are a [Section], which the package of the
// kind decodes with the same strictness and the same form of message.
//
// [Inputs] tells when the files behind a configuration have changed since they were loaded.
//
// Top-level keys that begin with "x-" are ignored, as a place for YAML anchors.
package config
