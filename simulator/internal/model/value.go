package model

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// changesEvery is how many pictures pass until made-up values (how many people?) change: three seconds at 30 fps.
const changesEvery = 90

// seen returns what the scene says about a property, by its name: a number, or a colour; ok is false for all else.
func (f filler) seen(name string) (number float64, color string, ok bool) {
	last, lower := f.scene.last(), strings.ToLower(name)
	has := func(part string) bool { return strings.Contains(lower, part) }
	switch {
	case lower == "serial":
		return float64(f.serial), "", true
	case lower == "frames" || has("frame_count") || has("framecount"):
		return float64(len(f.scene)), "", true
	case has("first") && (has("counter") || has("frame")):
		return float64(f.scene.first().Counter), "", true
	case has("counter") || has("frame"):
		return float64(last.Counter), "", true
	case has("camera"):
		return float64(last.Camera), "", true
	case has("bright"):
		return round(last.Brightness), "", true
	case has("color") || has("colour"):
		return 0, last.Color, true
	case has("motion") || has("moving"):
		return f.scene.motion(), "", true
	case lower == "width":
		return float64(last.Width), "", true
	case lower == "height":
		return float64(last.Height), "", true
	}
	return 0, "", false
}

// madeUp returns a small number that depends on name and picture alone, for what no picture of a test camera shows.
func (f filler) madeUp(name string, below uint64) uint64 {
	last := f.scene.last()
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(strings.ToLower(name)))
	epoch := uint64(int64(last.Camera)*31 + int64(last.Counter)/changesEvery)
	return (hash.Sum64()%1009 + epoch) % below
}

// member picks one of an enum: the colour seen where it is among them, else one by chance.
func (f filler) member(name string, members []any) any {
	if _, color, ok := f.seen(name); ok && color != "" {
		for _, m := range members {
			if text, _ := m.(string); strings.EqualFold(text, color) {
				return m
			}
		}
	}
	return members[f.madeUp(name, uint64(len(members)))]
}

func (f filler) boolean(name string) bool {
	if number, color, ok := f.seen(name); ok {
		return number >= movingFrom || color != ""
	}
	return f.madeUp(name, 2) == 1
}

// number makes an integer or a number between the schema's bounds.
func (f filler) number(name string, schema map[string]any, integer bool) any {
	value, color, ok := f.seen(name)
	if !ok || color != "" {
		value = float64(f.madeUp(name, 5))
	}
	if integer {
		value = math.Round(value)
	}
	value = fitNumber(value, schema, integer)
	if integer || value == math.Trunc(value) {
		return json.Number(big.NewFloat(value).Text('f', 0))
	}
	return value
}

// fitNumber moves a value into the schema's bounds, and down onto a multiple where one is asked for.
func fitNumber(value float64, schema map[string]any, integer bool) float64 {
	gap := 0.01 // what lies beside an exclusive bound
	if integer {
		gap = 1
	}
	bounds := []struct {
		keyword string
		limit   func(a, b float64) float64
		shift   float64
	}{
		{"maximum", math.Min, 0},
		{"exclusiveMaximum", math.Min, -gap},
		{"minimum", math.Max, 0},
		{"exclusiveMinimum", math.Max, gap},
	}
	for _, b := range bounds {
		if bound, ok := decimal(schema[b.keyword]); ok {
			value = b.limit(value, bound+b.shift)
		}
	}
	if step, ok := decimal(schema["multipleOf"]); ok && step > 0 {
		value = math.Floor(value/step) * step
		if least, ok := decimal(schema["minimum"]); ok && value < least {
			value += step
		}
	}
	return value
}

// text makes a string: the colour or number seen, else the description of the scene.
func (f filler) text(name string) string {
	number, color, ok := f.seen(name)
	switch {
	case !ok:
		return f.scene.sentence()
	case color != "":
		return color
	default:
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
}

// fitText makes a string as long as the schema wants it.
func fitText(text string, schema map[string]any) string {
	if least := min(whole(schema["minLength"], 0), 10_000); len([]rune(text)) < least {
		text += strings.Repeat(".", least-len([]rune(text)))
	}
	runes := []rune(text)
	return string(runes[:min(len(runes), max(0, whole(schema["maxLength"], len(runes))))])
}

func decimal(value any) (float64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := number.Float64()
	return f, err == nil
}

// whole returns a keyword's value as an int, or otherwise where it is not given.
func whole(value any, otherwise int) int {
	if f, ok := decimal(value); ok && math.Abs(f) < 1e9 {
		return int(f)
	}
	return otherwise
}
