package mqtt_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
)

const discoveryTopic = "homeassistant/device/overshoot_pi_door/config"

// What Home Assistant allows: its schemas of MQTT discovery, full keys and their abbreviations.
var (
	topKeys       = words("device dev origin o components cmps availability avty availability_mode avty_mode qos state_topic stat_t encoding e")
	deviceKeys    = words("identifiers ids connections cns name manufacturer mf model mdl model_id mdl_id sw_version sw hw_version hw serial_number sn configuration_url cu suggested_area sa via_device")
	originKeys    = words("name sw_version sw support_url url")
	componentKeys = words("platform p unique_id uniq_id name state_topic stat_t value_template val_tpl device_class dev_cla state_class stat_cla " +
		"entity_category ent_cat availability avty availability_mode avty_mode expire_after exp_aft unit_of_measurement unit_of_meas json_attributes_topic json_attr_t icon ic options ops")
	availabilityKeys = words("topic t payload_available pl_avail payload_not_available pl_not_avail value_template val_tpl")
	platforms        = words("sensor binary_sensor")
)

func words(text string) []string { return strings.Fields(text) }

// keys complains about keys of an object that are not allowed.
func keys(t *testing.T, where string, o any, allowed []string) map[string]any {
	t.Helper()
	fields, ok := o.(map[string]any)
	if !ok || len(fields) == 0 {
		t.Fatalf("%s is %v", where, o)
	}
	for key := range fields {
		if !slices.Contains(allowed, key) {
			t.Errorf("%s has %s, which Home Assistant does not know", where, key)
		}
	}
	return fields
}

func checkDiscovery(t *testing.T, topic, text string) map[string]any {
	t.Helper()
	if !regexp.MustCompile(`^homeassistant/device/[a-zA-Z0-9_-]+/config$`).MatchString(topic) {
		t.Errorf("the topic %s is not one of Home Assistant's", topic)
	}
	var all any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	top := keys(t, "the whole", all, topKeys)
	if device := keys(t, "dev", top["dev"], deviceKeys); len(device["ids"].([]any)) == 0 {
		t.Error("a device without identifiers")
	}
	if origin := keys(t, "o", top["o"], originKeys); origin["name"] == "" {
		t.Error("an origin without a name")
	}
	for _, each := range top["avty"].([]any) {
		if keys(t, "avty", each, availabilityKeys)["t"] == "" {
			t.Error("an availability without a topic")
		}
	}
	seen := map[any]bool{}
	components := top["cmps"].(map[string]any)
	for name, each := range components {
		c := keys(t, name, each, componentKeys)
		if len(c) == 1 && c["p"] != "" {
			continue // it is removed
		}
		if !slices.Contains(platforms, c["p"].(string)) || c["stat_t"] == "" || c["uniq_id"] == "" || seen[c["uniq_id"]] {
			t.Errorf("%s is %v", name, c)
		}
		seen[c["uniq_id"]] = true
	}
	return components
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	b := start(t, "")
	l := listen(t, b.address)
	known := &inventory{}
	known.set(door(true))
	s := openWith(t, "url: mqtt://"+b.address+"\nhome_assistant: true", known)
	s.NoJitter()
	s.Start()
	eventually(t, "it is described", func() bool { return l.last(discoveryTopic) != "" })
	components := checkDiscovery(t, discoveryTopic, l.last(discoveryTopic))
	for name, platform := range map[string]string{
		"state": "sensor", "last_seen": "sensor", "fps": "sensor", "watch_people_present": "binary_sensor", "watch_people_count": "sensor", "watch_people_speed": "sensor", "watch_scene": "sensor",
	} {
		if c, found := components[name].(map[string]any); !found || c["p"] != platform {
			t.Errorf("%s is %v", name, components[name])
		}
	}
	if len(components) != 8 { // and who is it, under a name of its own; no list
		t.Errorf("got %d: %v", len(components), components)
	}

	before := len(l.on(discoveryTopic))
	l.say(t, "homeassistant/status", "online")
	eventually(t, "it is described again", func() bool { return len(l.on(discoveryTopic)) > before })
	one := func(property string) map[string]any {
		return map[string]any{"type": "object", "properties": map[string]any{property: map[string]any{"type": "boolean"}}}
	}
	odd := mqtt.Camera{Name: "yard.2", State: "idle", Watches: []mqtt.Watch{ // whose names make the same id when joined carelessly
		{Name: "state"}, {Name: "last", Schema: one("seen")}, {Name: "a", Schema: one("b_c")}, {Name: "a_b", Schema: one("c")}, {Name: "a.b", Schema: one("c")},
	}}
	known.set(odd)
	eventually(t, "it is removed", func() bool { all := l.on(discoveryTopic); return len(all[len(all)-1].Payload) == 0 })
	eventually(t, "the other is described", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, p := range l.heard {
			if strings.HasPrefix(p.Topic, "homeassistant/device/overshoot_pi_yard_2_") {
				if n := len(checkDiscovery(t, p.Topic, string(p.Payload))); n != 8 {
					t.Errorf("got %d components: %s", n, p.Payload)
				}
				return true
			}
		}
		return false
	})
}

// An entity whose watch is no more is removed by name, also when the agent was not there when it happened.
func TestEntitiesAreRemoved(t *testing.T) {
	t.Parallel()
	b := start(t, "")
	settings := "url: mqtt://" + b.address + "\nhome_assistant: true"
	l := listen(t, b.address)
	known := &inventory{}
	known.set(door(true))
	s := openWith(t, settings, known)
	s.Start()
	eventually(t, "it is described", func() bool { return l.last(discoveryTopic) != "" })
	less := door(true)
	less.Watches = less.Watches[:1]
	removed := func(key string, is bool) func() bool {
		return func() bool {
			c, found := checkDiscovery(t, discoveryTopic, l.last(discoveryTopic))[key].(map[string]any)
			return found && (len(c) == 1) == is
		}
	}
	known.set(less)
	eventually(t, "the scene is removed", removed("watch_scene", true))
	eventually(t, "the people stay", removed("watch_people_count", false))
	known.set(door(true))
	eventually(t, "the scene is back", removed("watch_scene", false))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	less.Watches = door(true).Watches[1:]
	known.set(less)
	openWith(t, settings, known).Start()
	eventually(t, "the people are removed", removed("watch_people_count", true))
	eventually(t, "the scene stays", removed("watch_scene", false))
}
