package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func TestTwoSinksMustNotWriteToOnePlace(t *testing.T) {
	for sinks, want := range map[string]string{
		"a: {type: file, path: /data/r.jsonl}\n  b: {type: file, path: /data/x/../r.jsonl}": `c.yaml:7:25: sinks.b.path: the sink "a" writes there already`,
		"a: {type: file, path: r.jsonl}\n  b: {type: file, path: ./r.jsonl}":                `the sink "a" writes there already`,
		"a: {type: file, path: r.jsonl}\n  b: {type: file, path: s.jsonl}":                  "",
		"a: {type: stdout}\n  b: {type: stdout}":                                            `c.yaml:7:13: sinks.b.type: the sink "a" writes there already`,
		"a: {type: stdout}\n  b: {type: file, path: stdout}":                                "",
		"a: {type: webhook, url: 'http://h/'}\n  b: {type: webhook, url: 'http://h/'}":      "",
		"a: {type: file, path: '{camera}'}\n  b: {type: file, path: '{watch}'}":             "",
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		write(t, file, `overshoot: {keys: [{name: main, key: ovs-one}]}
cameras: [{name: door, source: "rtsp://10.0.0.21/s", watches: [people]}]
watches:
  people: {prompt: q, model: m, every: 2s, sinks: [a, b]}
sinks:
  `+sinks+"\n")
		_, err := Load(file, config.Options{LookupEnv: os.LookupEnv, Hostname: "host"})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v", sinks, err)
		}
	}
}
