package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// included is what a file named under `include` may hold.
type included struct {
	Cameras raw `yaml:"cameras"`
	Watches raw `yaml:"watches"`
	Sinks   raw `yaml:"sinks"`
}

// include reads the files that the patterns name, each once, in the order of the patterns and sorted within one.
func (l *loader) include(root *node, patterns []string) {
	seen := map[string]bool{filepath.Clean(root.file): true}
	for i, pattern := range patterns {
		n := root.get("include").items[i]
		for _, path := range l.matches(n, besides(root.file, pattern)) {
			if path = filepath.Clean(path); !seen[path] {
				seen[path] = true
				l.includeFile(root, path)
			}
		}
	}
}

// matches returns the files of one pattern. A pattern may match nothing, a plain name may not.
func (l *loader) matches(n *node, pattern string) []string {
	if n.reported {
		return nil
	}
	paths, err := l.inputs.glob(pattern)
	switch {
	case err != nil:
		l.report.at(n, "found %s, which is no pattern; write for example cameras.d/*.yaml", n.found())
	case len(paths) == 0 && strings.ContainsAny(pattern, `*?[`):
		l.report.warn(n, "", "no file matches %s", quoteShort(pattern))
	case len(paths) == 0:
		l.report.at(n, "found %s, which does not exist; check the path, it counts from the folder of this file", n.found())
	}
	return paths
}

func (l *loader) includeFile(root *node, path string) {
	n := l.read(path)
	if n == nil {
		return
	}
	main := fieldsByKey(reflect.TypeFor[document]())
	allowed := fieldsByKey(reflect.TypeFor[included]())
	for _, e := range slices.Clone(n.entries) {
		_, isMain := main[e.key]
		_, isAllowed := allowed[e.key]
		switch {
		case e.key == "include":
			l.report.at(e.value, "an included file cannot include others; list them in %s", root.file)
		case isMain && !isAllowed:
			l.report.at(e.value, "included files hold only cameras, watches and sinks; move this to %s", root.file)
		default:
			continue
		}
		n.take(e.key)
	}
	var doc included
	l.decode.into(n, &doc)
	l.addAll(doc.Cameras, doc.Watches, doc.Sinks)
}
