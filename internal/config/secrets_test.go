package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// withSecrets holds a secret in every place that can hold one; each contains the word canary.
const withSecrets = `
overshoot:
  keys:
    - {name: inline, key: canary-key}
    - {name: file, key_file: overshoot-key}
cameras:
  - {name: a, source: "rtsp://admin:canary%40url@a/s", watches: [people]}
  - {name: b, source: rtsp://b/s, password: "canary: # {b}", watches: [people]}
  - {name: c, source: {type: exec, command: [grab, "${C_TOKEN}", "http://u:canary-argument@c/"]}, watches: [people]}
watches: {people: {prompt: q, model: m, every: 2s, sinks: [hook]}}
sinks: {hook: {type: webhook, url: "https://h/", headers: {X-Api-Key: canary-header}, secret_file: hook.secret}}
`

func secretFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"c.yaml": withSecrets, "overshoot-key": "canary-key-file\n", "hook.secret": "canary-secret-file\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func secretEnvironment(name string) (string, bool) { return "canary-variable", name == "C_TOKEN" }

func TestSecretsAreAllKnown(t *testing.T) {
	cfg, _ := load(t, filepath.Join(secretFolder(t), "c.yaml"), config.Options{LookupEnv: secretEnvironment, Hostname: "h"})
	var got []string
	for _, s := range cfg.Secrets() {
		got = append(got, s.Reveal())
	}
	slices.Sort(got)
	want := []string{
		"canary-argument", "canary-header", "canary-key", "canary-key-file", "canary-secret-file", "canary-variable", "canary: # {b}", "canary@url",
	}
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("Secrets() = %q\nwant %q", got, want)
	}
}

func TestPrintingAConfigurationShowsNoSecret(t *testing.T) {
	cfg, _ := load(t, filepath.Join(secretFolder(t), "c.yaml"), config.Options{LookupEnv: secretEnvironment, Hostname: "h"})
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		for _, value := range []any{cfg, *cfg, cfg.Cameras, cfg.Cameras[0].Source, cfg.Sinks, cfg.Overshoot} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "canary") {
				t.Errorf("%s of %T prints %s", verb, value, text)
			}
		}
	}
}

func TestCredentialsBecomeSettingsOfTheSource(t *testing.T) {
	for _, camera := range []string{
		`source: "rtsp://admin:canary%40%23@h/s"`,
		`source: "rtsp://admin:canary@#@h/s"`,
		`source: rtsp://admin@h/s, password: "canary@#"`,
		`source: rtsp://h/s, username: admin, password: "canary@#"`,
		`source: {type: rtsp, url: rtsp://h/s, username: admin}, password: "canary@#"`,
		`source: {type: rtsp, url: "rtsp://admin:canary@#@h/s"}`,
	} {
		text := strings.Replace(minimal, "source: rtsp://10.0.0.21/s", camera, 1)
		cfg, _ := load(t, write(t, "c.yaml", text), options())
		got := decodeLogin(t, cfg.Cameras[0].Source)
		if got.URL != "rtsp://h/s" || got.Username != "admin" || got.Password != secret.New("canary@#") {
			t.Errorf("%s: %+v, password %q", camera, got, got.Password.Reveal())
		}
	}
}

func TestKeyFileIsReadAnew(t *testing.T) {
	dir := secretFolder(t)
	cfg, _ := load(t, filepath.Join(dir, "c.yaml"), config.Options{LookupEnv: secretEnvironment, Hostname: "h"})
	key, file := cfg.Overshoot.Keys[1], filepath.Join(dir, "overshoot-key")
	if key.KeyFile != file {
		t.Errorf("KeyFile = %s, want %s", key.KeyFile, file)
	}
	for _, test := range []struct{ text, want, problem string }{
		{"\trotated-key \r\n", "rotated-key", ""},
		{" \n", "", "is empty; write the secret into it"},
		{"two keys\n", "", "holds a space"},
		{strings.Repeat("k", 64<<10+1), "", "larger than 64 KiB"},
	} {
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := key.Read()
		if got.Reveal() != test.want || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("Read of %.20q = %q, %v", test.text, got.Reveal(), err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := key.Read(); err == nil || !strings.Contains(err.Error(), file+" does not exist") {
		t.Errorf("Read of a missing file: %v", err)
	}
	if got, err := cfg.Overshoot.Keys[0].Read(); err != nil || got != secret.New("canary-key") {
		t.Errorf("Read of an inline key: %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made a file: %v", err)
	}
}

// TestUnquotedSecretsStayHidden writes secrets with every special character of YAML without quotes, as
// people do; most of these files are broken, each in another way.
func TestUnquotedSecretsStayHidden(t *testing.T) {
	special := []string{"", "*", "&", "!", "@", "%", "|", ">", "{", "}", "[", "]", "#", "$", "${", "}", "\t", ":", ": ", ", ", "\\", "'", "\"", "?", "-", "- ", "=", "<<", "`", "\x00", "\xff"}
	for _, before := range special {
		for _, after := range special {
			if before == "${" && after == "}" {
				continue // a variable that is not set has to be named
			}
			value := before + "canary" + after
			text := "overshoot:\n  keys:\n    - {name: a, key: " + value + "}\n    - name: b\n      key: " + value +
				"\ncameras:\n  - name: door\n    source: rtsp://u:" + value + "@h/s\n    password: " + value + "\n    watches: [gone]\n"
			for _, variant := range []string{text, strings.Replace(text, "{name: a, key: "+value+"}", "{name: a, key: x}", 1), strings.ReplaceAll(text, ": "+value, ":"+value)} {
				path := write(t, "c.yaml", variant)
				if got := messages(config.Load(path, options())); strings.Contains(got, "canary") {
					t.Errorf("the secret %q is in the messages:\n%s", value, got)
				}
			}
		}
	}
}
