package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// decoder writes a tree into Go values and reports what does not fit. What the YAML does not mention keeps
// the value it has, so defaults are set before.
//
// It knows strings, booleans, numbers, [Duration], time.Duration, [secret.Secret], encoding.TextUnmarshaler,
// any, and pointers, slices, maps with string keys and structs of these. Struct fields are named by
// `yaml:"name"`; fields without a name are left alone.
type decoder struct {
	report *report
}

// nodeUnmarshaler is a type of this package that has a form of its own in YAML.
type nodeUnmarshaler interface {
	unmarshalNode(d *decoder, n *node)
}

var (
	durationType    = reflect.TypeFor[Duration]()
	stdDurationType = reflect.TypeFor[time.Duration]()
	secretType      = reflect.TypeFor[secret.Secret]()
)

// into decodes n into the value that target points to.
func (d *decoder) into(n *node, target any) { d.value(n, reflect.ValueOf(target).Elem()) }

func (d *decoder) value(n *node, v reflect.Value) {
	if n.reported {
		return
	}
	if own, ok := v.Addr().Interface().(nodeUnmarshaler); ok {
		own.unmarshalNode(d, n)
		return
	}
	switch v.Type() {
	case durationType, stdDurationType:
		d.duration(n, v)
		return
	case secretType:
		d.secret(n, v)
		return
	}
	if own, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, own)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.value(n, fresh.Elem())
		v.Set(fresh)
	case reflect.Interface:
		d.any(n, v)
	default:
		d.scalar(n, v)
	}
}

// structure decodes a mapping into the fields of a struct.
func (d *decoder) structure(n *node, v reflect.Value) {
	if n.kind == nullKind { // "cameras:" with everything below commented out
		return
	}
	if n.kind != mapKind {
		d.wrongType(n, "settings of the form \"key: value\", indented below")
		return
	}
	fields := fieldsByKey(v.Type())
	for _, e := range n.entries {
		if index, known := fields[e.key]; known {
			d.value(e.value, v.Field(index))
		} else {
			d.unknownKey(n, e, v.Type())
		}
	}
}

func fieldsByKey(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" && t.Field(i).IsExported() {
			fields[name] = i
		}
	}
	return fields
}

func (d *decoder) unknownKey(n *node, e entry, t reflect.Type) {
	p := Problem{File: e.value.file, Line: e.line, Column: e.col, Key: joinNonEmpty(".", n.path, e.shown)}
	known, planned := keysOf(t)
	switch {
	case slices.Contains(planned, e.key):
		p.Text = "not supported by this version; remove it"
	case e.shown != e.key:
		p.Text = "unknown key; put values with commas or colons in quotes, and write a space after the colon that ends a key"
	default:
		p.Text = joinNonEmpty("; ", "unknown key", DidYouMean(e.key, known))
	}
	d.report.problems = append(d.report.problems, p)
}

// list decodes a list into a slice, which it replaces.
func (d *decoder) list(n *node, v reflect.Value) {
	if n.kind == nullKind {
		return
	}
	if n.kind == scalarKind && v.Type().Elem() == secretType { // mostly there is one; two are for the time of a change
		n = &node{kind: listKind, items: []*node{n}}
	}
	if n.kind != listKind {
		d.wrongType(n, "a list, for example [a, b]")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.value(item, list.Index(i))
	}
	v.Set(list)
}

// mapping decodes a mapping into a Go map, which it replaces.
func (d *decoder) mapping(n *node, v reflect.Value) {
	if n.kind == nullKind {
		return
	}
	if n.kind != mapKind {
		d.wrongType(n, "a mapping, for example {name: value}")
		return
	}
	fresh := reflect.MakeMapWithSize(v.Type(), len(n.entries))
	for _, e := range n.entries {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(e.value, element)
		fresh.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), element)
	}
	v.Set(fresh)
}

// wrongType reports that something else than wanted was found.
func (d *decoder) wrongType(n *node, wanted string) {
	d.report.at(n, "found %s; write %s", n.found(), wanted)
}

// keysOf returns the keys of a struct that may be written, and those that later versions will know.
func keysOf(t reflect.Type) (known, planned []string) {
	for key := range fieldsByKey(t) {
		known = append(known, key)
	}
	switch t {
	case reflect.TypeFor[Camera]():
		known = append(known, credentialKeys...) // moved into the source before the camera is decoded
	case reflect.TypeFor[Watch]():
		planned = []string{"when", "on_change"}
	}
	return known, planned
}

// any decodes free-form values, as encoding/json would.
func (d *decoder) any(n *node, v reflect.Value) {
	if v.NumMethod() > 0 {
		panic(fmt.Sprintf("config: cannot decode into %s", v.Type()))
	}
	if free, ok := d.freeForm(n); ok && free != nil {
		v.Set(reflect.ValueOf(free))
	}
}
