package rtsp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func section(t testing.TB, text string) config.Section {
	t.Helper()
	s, err := config.ParseSection("c.yaml", "type: rtsp\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"url: rtsp://cam/1":                                                   "rtsp://cam:554/1 tcp 10s auto 0s",
		"url: rtsps://cam/1":                                                  "rtsps://cam:322/1 tcp 10s auto 0s",
		"url: 'rtsp://[fe80::1]/1'":                                           "rtsp://[fe80::1]:554/1 tcp 10s auto 0s",
		"url: rtsp://cam:8554/1\ntransport: udp":                              "rtsp://cam:8554/1 udp 10s auto 0s",
		"url: rtsp://cam/1?token=canary":                                      "rtsp://cam:554/1 tcp 10s auto 0s",
		"url: rtsp://cam/user@home":                                           "rtsp://cam:554/user@home tcp 10s auto 0s",
		"url: rtsp://cam/1#t\ntimeout: 1s":                                    "rtsp://cam:554/1 tcp 1s auto 0s",
		"url: rtsp://cam/1\nkeepalive: {method: options, interval: 5s}":       "rtsp://cam:554/1 tcp 10s options 5s",
		"url: rtsp://cam/1\ntransport: auto\nkeepalive: {interval: 1s}":       "rtsp://cam:554/1 auto 10s auto 1s",
		"url: rtsp://cam/1\nkeepalive: {method: off}\ntls: {insecure: false}": "rtsp://cam:554/1 tcp 10s off 0s",
	} {
		c, err := rtsp.Decode(section(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := fmt.Sprint(rtsp.New(c), " ", c.Transport, " ", c.Timeout, " ", c.Keepalive.Method, " ", c.Keepalive.Interval)
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestWrongSettingsAreExplained(t *testing.T) {
	const noAddress = "url: is not an address: write rtsp://host/path as the camera's manual gives it"
	const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	const noSum = "write the SHA-256 of the certificate, 64 hex digits, as `openssl x509 -noout -fingerprint -sha256` prints it"
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"transport: tcp":                          "c.yaml:1:1: " + noAddress,
		"url: cam/1":                              "c.yaml:2:6: " + noAddress,
		"url: rtsp://:554/1":                      "c.yaml:2:6: " + noAddress,
		"url: http://cam/1":                       `c.yaml:2:6: url: has the scheme "http": an RTSP camera's address starts with rtsp:// or rtsps://`,
		"url: rtsps://cam/1?enableSrtp":           "c.yaml:2:6: url: asks for SRTP; remove ?enableSrtp, rtsps:// already encrypts the video",
		"url: rtsp://cam/1\ntransport: multicast": `c.yaml:3:12: transport: found "multicast"; write tcp, udp or auto`,
		"url: rtsp://cam/1\npasswort: x":          `c.yaml:3:1: passwort: unknown key; did you mean "password"?`,
		"url: rtsp://cam/1\ntimeout: 999ms":       "c.yaml:3:10: timeout: found 999ms; write 1s or more",

		"url: rtsp://cam/1\nkeepalive: {method: ping}":                    `c.yaml:3:21: keepalive.method: found "ping"; write auto, options, get_parameter or off`,
		"url: rtsp://cam/1\nkeepalive: {interval: 500ms}":                 "c.yaml:3:1: keepalive: found an interval of 500ms; write whole seconds, 1s or more",
		"url: rtsp://cam/1\nkeepalive: {interval: 1500ms}":                "c.yaml:3:1: keepalive: found an interval of 1.5s; write whole seconds, 1s or more",
		"url: rtsp://cam/1\nkeepalive: {interval: -2s}":                   "c.yaml:3:1: keepalive: found an interval of -2s; write whole seconds, 1s or more",
		"url: rtsp://cam/1\nkeepalive: {method: off, interval: 5s}":       "c.yaml:3:1: keepalive: found an interval with method off; remove one of them",
		"url: rtsp://cam/1\ntls: {insecure: true}":                        "c.yaml:3:1: tls: is for encrypted connections; write rtsps:// in the url, or remove tls",
		"url: rtsps://cam/1\ntls: {insecure: true, server_name: cam}":     "c.yaml:3:1: tls: insecure accepts every certificate; remove it, or the other settings of tls",
		"url: rtsps://cam/1\ntls: {fingerprint: " + sum + ", ca_file: x}": "c.yaml:3:1: tls: a fingerprint decides alone; remove it, or ca_file and server_name",
		"url: rtsps://cam/1\ntls: {fingerprint: abc}":                     `c.yaml:3:20: tls.fingerprint: found "abc"; ` + noSum,
		"url: rtsps://cam/1\ntls: {ca_file: /missing.pem}":                "c.yaml:3:1: tls: the ca_file cannot be read: open /missing.pem: no such file or directory",
		"url: rtsps://cam/1\ntls: {ca_file: " + empty + "}":               "c.yaml:3:1: tls: the ca_file " + empty + " holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----",
	} {
		if _, err := rtsp.Decode(section(t, text)); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestACAFileCountsFromTheFolderOfTheConfiguration(t *testing.T) {
	file := caFile(t, certificate(t, time.Now().Add(time.Hour)))
	s, err := config.ParseSection(filepath.Join(filepath.Dir(file), "c.yaml"), "type: rtsp\nurl: rtsps://cam/1\ntls: {ca_file: ca.pem}")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := rtsp.Decode(s); err != nil || c.TLS.CAFile != file {
		t.Errorf("got %s and %v", c.TLS.CAFile, err)
	}
}

// The example is the manual.
func TestTheExampleShowsEverySetting(t *testing.T) {
	example, err := os.ReadFile("../../../configs/overshoot-agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := rtsp.Decode(section(t, "url: rtsp://cam/1"))
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{fmt.Sprintf(`Default: %s\.\n +# transport:`, c.Transport), fmt.Sprintf(`Default: %s\.\n +# timeout:`, c.Timeout)}
	for _, part := range []any{c, c.Keepalive, c.TLS} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(part)) {
			if name := field.Tag.Get("yaml"); name != "" {
				wanted = append(wanted, `\n {4,6}(  |# |#   )`+name+":")
			}
		}
	}
	for _, want := range wanted {
		if !regexp.MustCompile(want).Match(example) {
			t.Errorf("the example does not show %s", want)
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
