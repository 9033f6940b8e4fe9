package rtsp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func section(t *testing.T, text string) config.Section {
	t.Helper()
	s, err := config.ParseSection("c.yaml", "type: rtsp\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"url: rtsp://cam/1":                      "rtsp://cam:554/1 tcp",
		"url: rtsps://cam/1":                     "rtsps://cam:322/1 tcp",
		"url: 'rtsp://[fe80::1]/1'":              "rtsp://[fe80::1]:554/1 tcp",
		"url: rtsp://cam:8554/1\ntransport: udp": "rtsp://cam:8554/1 udp",
		"url: rtsp://cam/1?token=canary":         "rtsp://cam:554/1 tcp",
		"url: rtsp://cam/user@home":              "rtsp://cam:554/user@home tcp",
	} {
		c, err := rtsp.Decode(section(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := rtsp.New(c).String() + " " + c.Transport; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestWrongSettingsAreExplained(t *testing.T) {
	const noAddress = "url: is not an address: write rtsp://host/path as the camera's manual gives it"
	for text, want := range map[string]string{
		"transport: tcp":                          "c.yaml:1:1: " + noAddress,
		"url: cam/1":                              "c.yaml:2:6: " + noAddress,
		"url: rtsp://:554/1":                      "c.yaml:2:6: " + noAddress,
		"url: http://cam/1":                       `c.yaml:2:6: url: has the scheme "http": an RTSP camera's address starts with rtsp:// or rtsps://`,
		"url: rtsp://cam/1\ntransport: multicast": `c.yaml:3:12: transport: "multicast" is no transport: write tcp, udp or auto`,
		"url: rtsp://cam/1\npasswort: x":          `c.yaml:3:1: passwort: unknown key; did you mean "password"?`,
	} {
		if _, err := rtsp.Decode(section(t, text)); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// config moves what stands in the address; this is the way a whole file goes.
func TestCredentialsInTheAddressOfAFile(t *testing.T) {
	for written, password := range map[string]string{
		"canary-1": "canary-1", "canary@p:w#d": "canary@p:w#d", "canary/b#c": "canary/b#c", "canary100%": "canary100%", "canary%40x": "canary@x",
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		text := fmt.Sprintf(`
overshoot: {keys: [{key: ovs-0123456789}]}
watches: {people: {prompt: q, model: m, every: 2s, sinks: [archive]}}
sinks: {archive: {type: file, path: results.jsonl}}
cameras: [{name: door, source: 'rtsp://admin:%s@cam/live', watches: [people]}]
`, written)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		file, _, err := config.Load(path, config.Options{Hostname: "h"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := rtsp.Decode(file.Cameras[0].Source)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if c.URL != "rtsp://cam/live" || c.Username != "admin" || c.Password.Reveal() != password {
			t.Errorf("%s: got %q, %q and the password %q", written, c.URL, c.Username, c.Password.Reveal())
		}
		if got := rtsp.New(c).String(); got != "rtsp://cam:554/live" {
			t.Errorf("%s: shown as %s", written, got)
		}
	}
}
