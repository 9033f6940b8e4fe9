package mqtt

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxTopic is the length of the longest string that MQTT can carry, in bytes (MQTT 5.0 §1.5.4).
const maxTopic = 65535

// A Topic is a template of a topic name: levels divided by /, with {agent}, {camera} and {watch} in them.
type Topic string

// UnmarshalText implements encoding.TextUnmarshaler. What no broker takes, whatever the names are, is an error.
func (t *Topic) UnmarshalText(text []byte) error {
	*t = Topic(text)
	_, err := t.fill("a", "c", "w")
	return err
}

// Name returns the topic of a camera's watch. In the names, what would change the shape of the topic becomes an underscore.
func (t Topic) Name(agent, camera, watch string) (string, error) {
	return t.fill(level(agent), level(camera), level(watch))
}

func (t Topic) fill(agent, camera, watch string) (string, error) {
	name := strings.NewReplacer("{agent}", agent, "{camera}", camera, "{watch}", watch).Replace(string(t))
	if left := strings.NewReplacer("{agent}", "", "{camera}", "", "{watch}", "").Replace(string(t)); strings.ContainsAny(left, "{}") {
		return "", errors.New("write only {agent}, {camera} and {watch} in braces")
	}
	return name, checkTopic(name)
}

// names reports whether the template has a placeholder.
func (t Topic) names(placeholder string) bool { return strings.Contains(string(t), placeholder) }

// checkTopic says why nothing can be published under a name (MQTT 5.0 §4.7). Empty levels are legal there, and never meant.
func checkTopic(name string) error {
	switch {
	case name == "":
		return errors.New("write a topic such as overshoot/{agent}/{camera}/{watch}")
	case !utf8.ValidString(name):
		return errors.New("write UTF-8")
	case strings.ContainsAny(name, "+#"):
		return errors.New("leave out + and #, which are for subscriptions")
	case strings.HasPrefix(name, "$"):
		return errors.New("leave out the $ at the beginning, which is for the broker itself")
	case strings.ContainsFunc(name, isControl):
		return errors.New("leave out control characters")
	case strings.Contains("/"+name+"/", "//"):
		return errors.New("leave out empty levels: no / at the beginning or the end, and no //")
	case len(name) > maxTopic:
		return fmt.Errorf("found %d bytes; write at most %d", len(name), maxTopic)
	}
	return nil
}

// level makes a name fit to be one level of a topic, or a part of one.
func level(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune("+#/${}", r) || isControl(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if name == "" {
		return "_"
	}
	return name
}

// isControl reports what MQTT brokers may refuse in a string (§1.5.4): control characters and the non-characters.
func isControl(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef
}
