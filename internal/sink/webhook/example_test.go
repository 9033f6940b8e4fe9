package webhook_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/clienttls"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

var defaultLine = regexp.MustCompile(`(?m)^( *)# (\w+: .+?) +\(default\)$`)

// The example configuration is the manual: it shows every setting, and the defaults as they are.
func TestTheExampleIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../../configs/overshoot-agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, other := decodeExample(t, text), decodeExample(t, defaultLine.ReplaceAll(text, []byte("$1$2")))
	for name := range c {
		if a, b := c[name], other[name]; a.Method != b.Method || a.Batch != b.Batch || a.Timeout != b.Timeout {
			t.Errorf("%+v, with defaults spelled out %+v", a, b)
		}
	}
	for _, settings := range []reflect.Type{reflect.TypeFor[webhook.Config](), reflect.TypeFor[clienttls.Settings]()} {
		for i := range settings.NumField() {
			key := settings.Field(i).Tag.Get("yaml")
			if key != "" && !regexp.MustCompile(`\b`+key+`\b`).Match(text) {
				t.Errorf("the example does not show %s", key)
			}
		}
	}
}

// decodeExample returns the webhooks of the example.
func decodeExample(t *testing.T, text []byte) map[string]webhook.Config {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	for name, text := range map[string][]byte{path: text, filepath.Join(dir, "overshoot-key"): []byte("ovs-example")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, _, err := config.Load(path, config.Options{Hostname: "h", LookupEnv: func(string) (string, bool) { return dir, true }})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]webhook.Config{}
	for _, s := range cfg.Sinks {
		if s.Section.Type == "webhook" {
			if found[s.Name], err = webhook.Decode(s.Section); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(found) == 0 {
		t.Fatal("the example has no webhook")
	}
	return found
}
