package mqtt_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
)

func FuzzTopic(f *testing.F) {
	f.Add("overshoot/{agent}/{camera}/{watch}", "a", "front+door", "w/#\x00")
	f.Add("{agent}", "$SYS", "", "\xff")
	f.Add("{{agent}}/x", "{camera}", "c", "w")
	f.Fuzz(func(t *testing.T, template, agent, camera, watch string) {
		var topic mqtt.Topic
		if topic.UnmarshalText([]byte(template)) != nil {
			return
		}
		name, err := topic.Name(agent, camera, watch)
		if err != nil {
			if len(template)+9*(len(agent)+len(camera)+len(watch)) < 60000/9 {
				t.Fatalf("%q was accepted and fails with %q, %q, %q: %v", template, agent, camera, watch, err)
			}
			return
		}
		if name == "" || strings.ContainsAny(name, "+#\x00") || strings.HasPrefix(name, "$") || strings.Contains("/"+name+"/", "//") || !utf8.ValidString(name) {
			t.Fatalf("%q made %q", template, name)
		}
		if strings.Count(name, "/") != strings.Count(template, "/") {
			t.Fatalf("%q made %q, of another shape", template, name)
		}
	})
}

func TestProblems(t *testing.T) {
	const at = "url: mqtt://host\n"
	for settings, want := range map[string]string{
		"qos: 1": "1:1: url: is no address of a broker", "url: http://host": "2:6: url: is no address", "url: mqtt://": "2:6: url: is no address",
		"url: mqtt://host/topic": "2:6: url: has a path", at + "qos: 3": "3:6: qos: found 3; write 0, 1 or 2", at + "expiry: 1ms": "expiry: found 1ms",
		at + "topic: a/#": "topic: found", at + "topic: a//b": "empty levels", at + "topic: $SYS/x": "the $ at the beginning", at + "topic: ''": "write a topic",
		at + "topic: a/{cam}": "only {agent}, {camera} and {watch}", at + "base: x/{camera}": "base: stands for the whole agent",
		at + "topic: overshoot/{agent}/{camera}/{watch}/state": "topic: is where the agent keeps its state", at + "discovery_prefix: a/{agent}": "is the same for all",
		at + "password: canary": "password: stands without a username", at + "tls: {insecure: true}": "tls: is for encrypted connections",
		at + "client_id: ''": "client_id: ", at + "client_id: '{camera}'": "only {agent} and {sink} in braces", at + "topik: x": `did you mean "topic"?`,
	} {
		_, err := mqtt.Decode(section(t, settings))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "c.yaml:") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s\n got %v\nwant %s", settings, err, want)
		}
	}
}
