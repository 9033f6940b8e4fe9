package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/yaml.v3"
)

const canary = "canary-7f3a91"

// login stands for the structs of other packages, with a secret that fmt cannot ask for its String.
type login struct {
	User   string
	Public secret.Secret
	hidden secret.Secret
}

func TestNothingPrintsASecret(t *testing.T) {
	s := secret.New(canary)
	l := login{User: "admin", Public: s, hidden: s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		for _, value := range []any{s, &s, l, &l, []secret.Secret{s}, map[string]secret.Secret{"k": s}, []any{l, &l}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, value := range []any{s, l, &l, []secret.Secret{s}} {
		if err := json.NewEncoder(&out).Encode(value); err != nil {
			t.Fatal(err)
		}
	}
	if err := yaml.NewEncoder(&out).Encode(map[string]any{"s": s, "l": l.Public}); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("event", "s", s, "l", l)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("event", "s", s, "l", l)
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel)
	zap.New(core).Info("event", zap.Any("s", s), zap.Any("l", l), zap.Stringer("t", s), zap.Reflect("r", &l))

	hex := fmt.Sprintf("%x", canary)
	for _, leak := range []string{canary, hex, strings.ToUpper(hex)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("a secret was printed:\n%s", out.String())
		}
	}
	if !strings.Contains(out.String(), secret.Placeholder) {
		t.Error("nothing says that there is a secret")
	}
}

func TestSecretsCompareByText(t *testing.T) {
	same := canary[:6] + canary[6:]
	if secret.New(canary) != secret.New(same) {
		t.Error("two secrets with the same text differ")
	}
	if secret.New(canary) == secret.New("other") {
		t.Error("two secrets with different texts are equal")
	}
	var zero secret.Secret
	if !zero.IsZero() || secret.New("") != zero || secret.New(canary).IsZero() {
		t.Error("only the empty secret is zero")
	}
	if got := secret.New(canary).Reveal(); got != canary {
		t.Errorf("Reveal() = %q", got)
	}
	if zero.Reveal() != "" {
		t.Error("the empty secret reveals something")
	}
}

func TestFingerprint(t *testing.T) {
	if got, want := secret.New("abc").Fingerprint(), "ba7816bf"; got != want { // FIPS 180-2, appendix B.1
		t.Errorf("Fingerprint() = %q, want %q", got, want)
	}
	if got := (secret.Secret{}).Fingerprint(); got != "" {
		t.Errorf("fingerprint of nothing: %q", got)
	}
}

func TestSplitUserinfo(t *testing.T) {
	tests := []struct{ raw, clean, username, password string }{
		{"rtsp://10.0.0.1:554/stream", "rtsp://10.0.0.1:554/stream", "", ""},
		{"rtsp://admin:pw@10.0.0.1:554/stream", "rtsp://10.0.0.1:554/stream", "admin", "pw"},
		{"rtsp://admin@10.0.0.1/stream", "rtsp://10.0.0.1/stream", "admin", ""},
		{"rtsp://admin:p%40ss%2fword@host/", "rtsp://host/", "admin", "p@ss/word"},
		{"rtsp://admin:p@ss:word@host/", "rtsp://host/", "admin", "p@ss:word"},
		{"rtsp://admin:a/b#c?d@host/path?x=1", "rtsp://host/path?x=1", "admin", "a/b#c?d"},
		{"rtsp://admin:100%@host/", "rtsp://host/", "admin", "100%"},
		{"rtsp://admin:a b\"c@[fe80::1]:554/", "rtsp://[fe80::1]:554/", "admin", "a b\"c"},
		{"rtsp://admin:@#@host/path", "rtsp://host/path", "admin", "@#"},
		{"rtsp://admin:12#34@host/path", "rtsp://host/path", "admin", "12#34"},
		{"https://host/mail?to=a@b", "https://host/mail?to=a@b", "", ""},
		{"no url, a@b", "no url, a@b", "", ""},
		{"", "", "", ""},
	}
	for _, test := range tests {
		clean, username, password := secret.SplitUserinfo(test.raw)
		if clean != test.clean || username != test.username || password.Reveal() != test.password {
			t.Errorf("SplitUserinfo(%q) = %q, %q, %q", test.raw, clean, username, password.Reveal())
		}
	}
}
