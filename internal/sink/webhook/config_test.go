package webhook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

const at = "url: https://hook.example/x\n"

func TestProblems(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "not.pem")
	if err := os.WriteFile(notPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for settings, want := range map[string]string{
		"timeout: 5s":                                   "1:1: url: is no address to post to; write one like https://host/path",
		"url: ''":                                       "2:6: url: is no address",
		"url: hook.example/x":                           "2:6: url: is no address",
		"url: ftp://hook.example":                       "2:6: url: is no address",
		"url: https:///x":                               "2:6: url: is no address",
		"url: https://hook.example:65536/canary":        "2:6: url: has a port that does not exist; write 1 to 65535",
		"url: https://hook.example:0/canary":            "2:6: url: has a port that does not exist",
		"url: http://169.254.169.254/latest/meta-data":  "2:6: url: 169.254.169.254 is link-local or belongs to a cloud's metadata service",
		"url: http://[fe80::1%25lo]/":                   "2:6: url: fe80::1 is link-local",
		"url: http://0.0.0.0:80/":                       "2:6: url: 0.0.0.0 is no address of a server",
		at + "timeout: 1ms":                             "3:10: timeout: found 1ms; write 100ms to 30s",
		at + "timeout: 5m":                              "3:10: timeout: found 5m; write 100ms to 30s",
		at + "batch: 0":                                 "3:8: batch: found 0; write 1 to 64",
		at + "batch: 65":                                "3:8: batch: found 65; write 1 to 64",
		at + "batch: 10\npreset: slack":                 "3:8: batch: is for CloudEvents",
		at + "batch: 10\nbody: x":                       "3:8: batch: is for CloudEvents",
		at + "method: GET":                              `3:9: method: found "GET"; write POST, PUT or PATCH`,
		at + "preset: teams":                            `3:9: preset: found "teams"; write slack, discord, ntfy or generic`,
		at + "preset: slack\nbody: x":                   "4:7: body: stands beside a preset",
		at + "body: ' '":                                "3:7: body: is empty",
		"url: https://ntfy.sh\npreset: ntfy":            "2:6: url: has no topic; write the address of the topic, such as https://ntfy.sh/my-topic",
		"url: https://ntfy.sh/a%20b\npreset: ntfy":      "2:6: url: has no topic",
		at + "headers: {Host: x}":                       "3:1: headers: Host is set by the agent",
		at + "headers: {content-length: 5}":             "3:1: headers: Content-Length is set by the agent",
		at + "headers: {Webhook-Id: 5}":                 "3:1: headers: Webhook-Id is set by the agent",
		at + "headers: {'a b': c}":                      "3:1: headers: a name is no name of an HTTP header",
		at + "headers: {'': c}":                         "3:1: headers: a name is no name of an HTTP header",
		at + "headers: {X-A: b, x-a: c}":                "3:1: headers: X-A stands here twice",
		at + `headers: {X-A: "b\r\nX-B: c"}`:            "3:1: headers: the value of X-A holds a line break",
		at + `token: "a\nb"`:                            "3:8: token: holds a line break",
		at + "token: a\nusername: b":                    "keep one",
		at + "token: a\nheaders: {authorization: b}":    "keep one",
		at + "username: 'a:b'":                          "3:11: username: holds a colon",
		at + "secret: whsec_short":                      "3:9: secret: is no secret of Standard Webhooks; write whsec_",
		at + "secret: MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "3:9: secret: is no secret of Standard Webhooks",
		at + "secret: [" + oldSecret + ", canary]":      "3:1: secret: is no secret of Standard Webhooks",
		at + "secret: [" + oldSecret + ", " + oldSecret + ", " + oldSecret + "]": "3:1: secret: found 3 secrets",
		at + "secret: {a: b}":                                             "3:1: secret: found a mapping; write a list",
		at + "tls: {ca_file: /does/not/exist}":                            "3:1: tls: the ca_file cannot be read",
		at + "tls: {ca_file: " + notPEM + "}":                             "holds no certificate",
		at + "tls: {cert_file: " + notPEM + "}":                           "3:1: tls: cert_file and key_file belong together",
		at + "tls: {cert_file: " + notPEM + ", key_file: " + notPEM + "}": "3:1: tls: cert_file and key_file cannot be used",
		at + "tls: {insecure: true, ca_file: " + notPEM + "}":             "3:1: tls: insecure accepts every certificate",
		"url: http://hook.example/\ntls: {insecure: true}":                "3:1: tls: is for encrypted connections",
		at + "tls: {cafile: x}":                                           `tls.cafile: unknown key; did you mean "ca_file"?`,
		at + "metod: PUT":                                                 `metod: unknown key; did you mean "method"?`,
		at + "body: |-\n  {\n   \"a\": {{.data.resul}}\n  }":              `3:7: body: template: line 2:13: no event has .data.resul; did you mean "result"?`,
		at + "body: |-\n  {\n   \"a\": {{json .data.result}\n  }":         `3:7: body: template: line 2: `,
		at + "body: '{{jsn .data.result}}'":                               `3:7: body: template: line 1: function "jsn" not defined`,
		at + "body: '{\"a\": {{json .data.result}}'":                      "3:7: body: the template makes no valid JSON",
		at + "body: '{{if gt .data.result.people 3}}1{{else}}2{{end}}'":   "incompatible types for comparison",
		at + "body: '{{json .data.camera .data.watch}}'":                  "wrong number of args for json",
	} {
		_, err := webhook.Decode(section(t, settings))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "c.yaml:") {
			t.Errorf("%s\n got %v\nwant %s", settings, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: it shows a secret: %v", settings, err)
		}
	}
}

// Files count from the folder of the configuration, wherever the agent is started.
func TestPathsCountFromTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	s, err := config.ParseSection(filepath.Join(dir, "c.yaml"), "type: webhook\n"+at+"tls: {ca_file: ca.pem}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := webhook.Decode(s); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "ca.pem")) {
		t.Errorf("got %v", err)
	}
}
