package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"gopkg.in/yaml.v3"
)

// scalar decodes a single value into a string, boolean or number.
func (d *decoder) scalar(n *node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if d.isText(n, "a text") {
			v.SetString(n.text)
		}
	case reflect.Bool:
		d.boolean(n, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.integer(n, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.unsigned(n, v)
	case reflect.Float32, reflect.Float64:
		d.float(n, v)
	default:
		panic(fmt.Sprintf("config: cannot decode into %s", v.Type()))
	}
}

// isText reports whether n is a single value, and complains when it is not. Numbers and booleans count as
// the text that was written: a password of digits keeps its leading zeros.
func (d *decoder) isText(n *node, wanted string) bool {
	if n.kind == nullKind {
		d.report.at(n, "found nothing; write %s, in quotes if it begins with # or another special character", wanted)
		return false
	}
	if n.kind != scalarKind {
		d.wrongType(n, wanted)
		return false
	}
	return true
}

// isPlain reports whether n is a single value that may be a number or a boolean: written without quotes,
// or coming from a variable.
func (d *decoder) isPlain(n *node, wanted string) bool {
	if n.kind != scalarKind {
		d.wrongType(n, wanted)
		return false
	}
	if !n.plain && !n.expanded() {
		d.report.at(n, "found the text %s in quotes; write %s, without quotes", n.found(), wanted)
		return false
	}
	return true
}

func (d *decoder) boolean(n *node, v reflect.Value) {
	const wanted = "true or false"
	if !d.isPlain(n, wanted) {
		return
	}
	switch n.text {
	case "true", "True", "TRUE":
		v.SetBool(true)
	case "false", "False", "FALSE":
		v.SetBool(false)
	default:
		d.wrongType(n, wanted)
	}
}

func (d *decoder) integer(n *node, v reflect.Value) {
	const wanted = "a whole number, for example 10"
	if !d.isPlain(n, wanted) {
		return
	}
	number, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
	if err != nil {
		d.numberError(n, err, wanted)
		return
	}
	v.SetInt(number)
}

func (d *decoder) unsigned(n *node, v reflect.Value) {
	const wanted = "a whole number that is not negative, for example 10"
	if !d.isPlain(n, wanted) {
		return
	}
	number, err := strconv.ParseUint(n.text, 10, v.Type().Bits())
	if err != nil {
		d.numberError(n, err, wanted)
		return
	}
	v.SetUint(number)
}

func (d *decoder) float(n *node, v reflect.Value) {
	const wanted = "a number, for example 0.5"
	if !d.isPlain(n, wanted) {
		return
	}
	number, err := strconv.ParseFloat(n.text, v.Type().Bits())
	if err == nil && (math.IsNaN(number) || math.IsInf(number, 0)) {
		err = strconv.ErrRange
	}
	if err != nil {
		d.numberError(n, err, wanted)
		return
	}
	v.SetFloat(number)
}

func (d *decoder) numberError(n *node, err error, wanted string) {
	if errors.Is(err, strconv.ErrRange) {
		d.report.at(n, "the number %s is out of range; write %s", n.found(), wanted)
		return
	}
	d.wrongType(n, wanted)
}

// duration decodes into Duration or time.Duration.
func (d *decoder) duration(n *node, v reflect.Value) {
	const wanted = "a duration with a unit, for example 500ms, 2s, 5m or 7d"
	if n.kind != scalarKind {
		d.wrongType(n, wanted)
		return
	}
	parsed, err := ParseDuration(n.text)
	if errors.Is(err, errNoUnit) {
		d.report.at(n, "found the number %s without a unit; write %s", n.found(), wanted)
		return
	}
	if err != nil {
		d.wrongType(n, wanted)
		return
	}
	v.SetInt(int64(parsed))
}

// secret decodes into a secret.Secret. What was found is never part of a message.
func (d *decoder) secret(n *node, v reflect.Value) {
	n.walk(func(below *node) { below.sensitive = true })
	if d.isText(n, "a text") {
		v.Set(reflect.ValueOf(secret.New(n.text)))
	}
}

// text decodes into a type of a kind's package. Its error completes "found …;" and says what to write.
func (d *decoder) text(n *node, target encoding.TextUnmarshaler) {
	if !d.isText(n, "a text") {
		return
	}
	if err := target.UnmarshalText([]byte(n.text)); err != nil {
		d.report.at(n, "found %s; %s", n.found(), err)
	}
}

// freeForm returns the value as map[string]any, []any, string, bool, int, float64 or nil.
func (d *decoder) freeForm(n *node) (any, bool) {
	switch n.kind {
	case mapKind:
		fields := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			value, ok := d.freeForm(e.value)
			if !ok {
				return nil, false
			}
			fields[e.key] = value
		}
		return fields, true
	case listKind:
		items := make([]any, len(n.items))
		for i, item := range n.items {
			value, ok := d.freeForm(item)
			if !ok {
				return nil, false
			}
			items[i] = value
		}
		return items, true
	case scalarKind:
		return d.freeScalar(n)
	}
	return nil, true
}

// freeScalar decides by the rules of YAML whether a scalar is a number, a boolean or a text.
func (d *decoder) freeScalar(n *node) (any, bool) {
	if !n.plain {
		return n.text, true
	}
	y := yaml.Node{Kind: yaml.ScalarNode, Value: n.text}
	switch y.ShortTag() {
	case "!!bool", "!!int", "!!float":
	default: // texts, and what YAML takes for dates, which JSON does not have
		return n.text, true
	}
	var value any
	if err := y.Decode(&value); err != nil {
		d.wrongType(n, "a JSON value")
		return nil, false
	}
	if number, ok := value.(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
		d.wrongType(n, "a number that JSON knows")
		return nil, false
	}
	return value, true
}
