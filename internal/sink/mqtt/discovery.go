package mqtt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// object is a JSON object of Home Assistant's discovery, with its abbreviated keys (its documentation of MQTT, "Device discovery payload").
type object map[string]any

// objectID returns what Home Assistant knows a camera by.
func (s *Sink) objectID(c Camera) string {
	return "overshoot_" + identifier(s.options.Agent) + "_" + identifier(c.Name)
}

// description is what was made of the watches of a camera.
type description struct {
	watches []Watch
	text    []byte
}

// describe returns the description of a camera as a device with its entities, which changes when its watches do.
func (s *Sink) describe(c Camera) []byte {
	d, known := s.described[c.Name]
	if !known || !reflect.DeepEqual(d.watches, c.Watches) {
		d = description{c.Watches, s.discovery(c)}
		s.described[c.Name] = d
	}
	return d.text
}

// recall notes the entities of a description that an earlier life has left behind.
func (s *Sink) recall(topic string, text []byte) {
	var left struct {
		Components map[string]struct {
			Platform string `json:"p"`
			ID       string `json:"uniq_id"`
		} `json:"cmps"`
	}
	if s.topics.discovery == "" || !strings.HasPrefix(topic, s.topics.discovery) || json.Unmarshal(text, &left) != nil {
		return
	}
	for key, c := range left.Components {
		if c.ID != "" && c.Platform != "" {
			s.note(topic, key, c.Platform)
		}
	}
	clear(s.described)
}

// note remembers that an entity was described under a topic.
func (s *Sink) note(topic, key, platform string) {
	if s.entitled[topic] == nil {
		s.entitled[topic] = map[string]string{}
	}
	s.entitled[topic][key] = platform
}

// bury adds what Home Assistant wants to hear of entities that are no more: their platform and nothing else. Leaving them out removes nothing.
func (s *Sink) bury(topic string, components object) {
	for key, platform := range s.entitled[topic] {
		if components[key] == nil {
			components[key] = object{"p": platform}
		}
	}
	for key, c := range components {
		s.note(topic, key, c.(object)["p"].(string))
	}
}

// discovery makes the description of a camera.
func (s *Sink) discovery(c Camera) []byte {
	id := s.objectID(c)
	components := object{
		"state": s.entity(id+"_state", "State", object{
			"p": "sensor", "ent_cat": "diagnostic", "stat_t": s.topics.state(c.Name), "val_tpl": "{{ value_json.state }}",
		}),
		"fps": s.entity(id+"_fps", "Frame rate", object{
			"p": "sensor", "ent_cat": "diagnostic", "stat_cla": "measurement", "unit_of_meas": "fps", "stat_t": s.topics.state(c.Name), "val_tpl": "{{ value_json.fps }}",
		}),
		"last_seen": s.entity(id+"_last_seen", "Last seen", object{
			"p": "sensor", "ent_cat": "diagnostic", "dev_cla": "timestamp", "stat_t": s.topics.state(c.Name), "val_tpl": "{{ value_json.last_seen }}",
		}),
	}
	for _, w := range c.Watches {
		for key, entity := range s.entities(c, w) {
			components[key] = entity
		}
	}
	s.bury(s.topics.config(id), components)
	text, _ := json.Marshal(object{ // of strings, numbers and maps of them: it cannot fail
		"dev": object{
			"ids": []string{id}, "name": c.Name + " (Overshoot)", "mf": "Overshoot", "mdl": "overshoot-agent", "sw": s.options.Version,
		},
		"o":    object{"name": "overshoot-agent", "sw": s.options.Version, "url": "https://overshoot.ai"},
		"avty": []object{{"t": s.topics.agent()}, {"t": s.topics.camera(c.Name)}}, "avty_mode": "all",
		"cmps": components, "qos": 1,
	})
	return text
}

// entity adds what all entities have. The diagnostic ones say why a camera is offline, so that they hang on the agent alone.
func (s *Sink) entity(id, name string, o object) object {
	o["uniq_id"], o["name"] = id, name
	if o["ent_cat"] == "diagnostic" {
		o["avty"] = []object{{"t": s.topics.agent()}}
	}
	return o
}

// entities returns those of a watch: one for each property of its answers that is a plain value, or one for the answer as a whole.
func (s *Sink) entities(c Camera, w Watch) object {
	key, stat := "watch_"+identifier(w.Name), s.topics.value(c.Name, w.Name)
	id := s.objectID(c) + "_" + key
	all := object{}
	properties, _ := w.Schema["properties"].(map[string]any)
	for _, property := range slices.Sorted(maps.Keys(properties)) {
		schema, _ := properties[property].(map[string]any)
		index, _ := json.Marshal(property)
		name := title(w.Name) + " " + title(property)
		if property == w.Name {
			name = title(w.Name)
		}
		if o := component(typeOf(schema), "value_json.data.result["+string(index)+"]"); o != nil {
			o["stat_t"] = stat
			all[key+"_"+identifier(property)] = s.entity(id+"_"+identifier(property), name, o)
		}
	}
	kind := typeOf(w.Schema)
	if w.Schema == nil {
		kind = "string"
	}
	if o := component(kind, "value_json.data.result"); o != nil {
		o["stat_t"] = stat
		all[key] = s.entity(id, title(w.Name), o)
	}
	return all
}

// typeOf returns the one type that a schema allows beside null, "" for anything else.
func typeOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		var found []string
		for _, each := range t {
			if name, ok := each.(string); ok && name != "null" {
				found = append(found, name)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return ""
}

// component returns the entity for a value of a type, nil where there is none. None is Home Assistant's word for unknown, and a text of
// more than 255 characters is no state to it.
func component(kind, value string) object {
	switch kind {
	case "boolean":
		return object{"p": "binary_sensor", "val_tpl": "{% set v = " + value +
			" %}{{ 'ON' if v is sameas true else 'OFF' if v is sameas false else 'None' }}"}
	case "number", "integer":
		return object{"p": "sensor", "stat_cla": "measurement", "val_tpl": "{{ " + value + " | default(none) }}"}
	case "string":
		return object{"p": "sensor", "val_tpl": "{% set v = " + value + " %}{{ v[:255] if v is string else 'None' }}"}
	}
	return nil
}

var notInIDs = regexp.MustCompile(`[^A-Za-z0-9-]`)

// identifier makes a part of an id that Home Assistant takes. Parts are joined with underscores: one that has some of its own, or what no id
// may have, gets a sum behind it, so that different names never make the same id.
func identifier(text string) string {
	if text != "" && !notInIDs.MatchString(text) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return notInIDs.ReplaceAllString(text, "_") + "_" + hex.EncodeToString(sum[:4])
}

// title makes a name for people: "loading-dock" becomes "Loading dock".
func title(name string) string {
	runes := []rune(strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == ' ' }), " "))
	if len(runes) == 0 {
		return name
	}
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}
