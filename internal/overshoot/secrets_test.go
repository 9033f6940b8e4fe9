package overshoot

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// secrets are texts that no error may contain, as a careless service, a proxy or
// the standard library could quote them.
var secrets = []string{limitsKey, "ovs_another-key-in-text", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", "hunter2"}

const quoting = "key " + limitsKey + " Bearer " + limitsKey + " and ovs_another-key-in-text, token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl " +
	"from https://user:hunter2@proxy.example.test/ and wss://room.example.test/rtc?access_token=hunter2hunter2"

func wantNoSecrets(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in: %s", secret, text)
				}
			}
		}
	}
}

func TestErrorsQuoteNoSecrets(t *testing.T) {
	for name, body := range map[string]string{
		"E1":   `{"detail":"` + quoting + `"}`,
		"E2":   `{"detail":{"error":{"message":"` + quoting + `","code":"` + quoting + `","type":"` + quoting + `"}}}`,
		"E4":   `{"error":"` + quoting + `","details":[{"loc":["` + quoting + `"],"msg":"` + quoting + `"}]}`,
		"text": quoting,
		"long": strings.Repeat("x", 290) + " " + quoting,
		"200":  `{"id":"s1","state":"` + quoting + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			status := 500
			if name == "200" {
				status = 200
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				io.WriteString(w, body)
			}))
			defer server.Close()
			_, err := clientOf(t, server.URL, nil).Get(t.Context(), "s1", "")
			wantNoSecrets(t, err)
		})
	}
}

func TestTransportErrorsQuoteNoSecrets(t *testing.T) {
	for name, failure := range map[string]error{
		"plain":   errors.New("proxy says: " + quoting),
		"url":     &url.Error{Op: "Get", URL: "https://user:hunter2@api.example.test/", Err: errors.New("unreachable")},
		"wrapped": fmt.Errorf("dialing: %w", &url.Error{Op: "Get", URL: quoting, Err: errors.New(quoting)}),
	} {
		t.Run(name, func(t *testing.T) {
			client := clientOf(t, "https://api.example.test", failingTransport{failure})
			_, err := client.Create(t.Context())
			wantNoSecrets(t, err)
			if KindOf(err) != KindNetwork {
				t.Errorf("kind %q", KindOf(err))
			}
		})
	}
}

type failingTransport struct{ err error }

func (f failingTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestCleanKeepsWhatIsNoSecret(t *testing.T) {
	for _, text := range []string{
		"ovs://streams/7d1f0c52-8a3e-4b6d-9a71-0c5e2f9b4d10?frame_index=-1",
		"missing bearer token",
		"dial tcp 10.0.0.1:443: connect: connection refused",
		"lookup api.overshoot.ai: no such host",
		"Frage unzulässig: 日本語 ok",
	} {
		if got := clean(text, "abc"); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
