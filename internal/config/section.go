package config

import (
	"fmt"
	"reflect"
)

// Section holds the own settings of a source or a sink, which only the package of its kind understands.
// Printing one shows its type and no setting.
type Section struct {
	// Type is the kind, such as rtsp or file.
	Type string

	tree   *node // without type; nil for the zero Section
	typeAt *node // the value of type
}

// ParseSection reads one section that stands alone, as it stands below `source:` or below the name of a
// sink. The file name is used in messages; variables and *_file settings are taken literally.
func ParseSection(file, text string) (Section, error) {
	r := &report{}
	var s Section
	if n := parse(file, []byte(text), r); n != nil {
		s.unmarshalNode(&decoder{report: r}, n)
	}
	return s, r.err()
}

// Decode writes the settings into the struct that into points to, by its `yaml:"name"` tags, and leaves
// alone what the YAML does not mention: put defaults there first. Fields may be strings, booleans, numbers,
// [Duration] or time.Duration, [secret.Secret], anything that implements encoding.TextUnmarshaler with an
// error that says what to write, and pointers, slices, string maps and structs of these. One secret may stand alone where a list of them is expected.
//
// The error is a [Problems] with all unknown keys and wrong types and their positions. Decode panics when
// into is no pointer to a struct or has a field it cannot fill.
func (s Section) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: Section.Decode needs a pointer to a struct, not %T", into))
	}
	if s.tree == nil {
		return nil
	}
	r := &report{}
	(&decoder{report: r}).into(s.tree.unreported(), into)
	return r.err()
}

// Problemf returns a problem with the setting key, or with the section as a whole when it has no such key,
// for what Decode cannot know. The text says what was found and, after a semicolon, what to do; it must not
// hold a secret.
func (s Section) Problemf(key, format string, args ...any) Problem {
	switch {
	case s.tree == nil:
		return Problem{Key: key, Text: fmt.Sprintf(format, args...)}
	case key == "type":
		return s.typeAt.problem("", format, args...)
	}
	return s.tree.problem(key, format, args...)
}

// Has reports whether the YAML gives the setting key, for settings where absent and zero differ.
func (s Section) Has(key string) bool { return s.tree != nil && s.tree.get(key) != nil }

// Equal reports whether both sections say the same, wherever they stand.
func (s Section) Equal(other Section) bool {
	return s.Type == other.Type && s.tree.equal(other.tree)
}

// Path returns a path of the section as seen from the folder of its configuration file, as those of keys and certificates count; "" stays "".
// (What the agent writes counts from where it is started.)
func (s Section) Path(path string) string {
	if s.tree == nil || path == "" {
		return path
	}
	return besides(s.tree.file, path)
}

// Position returns where the section stands, "file:line:column"; "" for the zero Section.
func (s Section) Position() string {
	if s.tree == nil {
		return ""
	}
	return s.tree.position()
}

// unmarshalNode keeps the tree for Decode and takes the type out of it.
func (s *Section) unmarshalNode(d *decoder, n *node) {
	if n.kind != mapKind {
		d.wrongType(n, "a mapping with a type, for example {type: file, path: results.jsonl}")
		return
	}
	name := n.get("type")
	if name == nil {
		d.report.key(n, "type", "the type is missing; write for example type: rtsp for a source, type: file for a sink")
		return
	}
	d.into(name, &s.Type)
	if s.Type == "" {
		d.report.at(name, "found an empty type; write for example rtsp or file")
	}
	s.typeAt, s.tree = n.take("type"), n
}

// unreported returns a copy of the tree in which every value may be complained about again, so that each
// Decode of a section answers the same.
func (n *node) unreported() *node {
	fresh := *n
	fresh.reported = false
	fresh.items = make([]*node, len(n.items))
	for i, item := range n.items {
		fresh.items[i] = item.unreported()
	}
	fresh.entries = make([]entry, len(n.entries))
	for i, e := range n.entries {
		fresh.entries[i] = e
		fresh.entries[i].value = e.value.unreported()
	}
	return &fresh
}
