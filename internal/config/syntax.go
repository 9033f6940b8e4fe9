package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// secondDocumentError says that a file holds more than one YAML document.
type secondDocumentError struct{ line int }

func (e secondDocumentError) Error() string {
	return fmt.Sprintf("yaml: line %d: second document", e.line)
}

// yamlLine finds the line in an error of the YAML library: "yaml: line 7: did not find expected key".
var yamlLine = regexp.MustCompile(`line (\d+): `)

// yamlAnchor finds the name in "yaml: unknown anchor 'name' referenced".
var yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

// syntaxAdvice translates the library's errors into what the author of the file can do. The library's own
// text is never shown: it may hold pieces of the file ("unknown anchor 'hunter2' referenced").
var syntaxAdvice = []struct{ fragment, text string }{
	{"second document", "found a second document after ---; keep one document in each file, and list further files under include"},
	{"unknown anchor", "a value begins with *, which YAML takes for an alias, and no anchor has that name; put the value in quotes"},
	{"cannot start any token", "a value begins with a character that YAML reserves (@, `, % or a tab); put it in quotes, and indent with spaces only"},
	{"mapping values are not allowed", "found \": \" inside a value, or a line that is indented too far; put the value in quotes, or align the line with its neighbours"},
	{"could not find expected ':'", "found a line without \"key: value\", or one with too little indentation; write a space after the colon, and check the indentation"},
	{"did not find expected ',' or", "a list in [ ] or a mapping in { } is not closed; close it, and put values with ${…}, braces, brackets or commas in quotes"},
	{"did not find expected", "the structure breaks off here or one line before; check the indentation, and that quotes, brackets and braces are closed"},
	{"unexpected end of stream", "a quoted value is not closed; add the closing quote"},
	{"control characters are not allowed", "found a control character; save the file as plain UTF-8 text"},
	{"invalid leading UTF-8", "the file is not UTF-8 text; save it as UTF-8"},
	{"invalid trailing UTF-8", "the file is not UTF-8 text; save it as UTF-8"},
	{"incomplete UTF-8", "the file is not UTF-8 text; save it as UTF-8"},
	{"escape", "found a \\ that begins no valid escape inside double quotes; use single quotes"},
}

// syntaxProblem turns an error of the YAML library about a text into a problem with a position.
func syntaxProblem(file string, text []byte, err error) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Text: "this is not valid YAML; check the indentation and the quotes around here"}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if line, convErr := strconv.Atoi(m[1]); convErr == nil && line > 0 {
			p.Line = line
		}
	}
	if m := yamlAnchor.FindStringSubmatch(err.Error()); m != nil { // the one error without a line
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		p.Line = bytes.Count(before, []byte("\n")) + 1
	}
	for _, advice := range syntaxAdvice {
		if strings.Contains(err.Error(), advice.fragment) {
			p.Text = advice.text
			break
		}
	}
	return p
}
