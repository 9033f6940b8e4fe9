package overshoot_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func TestAKeyReplacedMeanwhileIsTriedOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		keys string // that are read in turn; "!" cannot be read
		good string
		sent string
		kind overshoot.Kind
	}{
		"the same still":          {"ovs-old ovs-old", "ovs-new", "ovs-old", overshoot.KindUnauthorized},
		"replaced":                {"ovs-old ovs-new", "ovs-new", "ovs-old ovs-new", overshoot.KindNone},
		"replaced by a bad one":   {"ovs-old ovs-bad ovs-new", "ovs-new", "ovs-old ovs-bad", overshoot.KindUnauthorized},
		"unreadable then":         {"ovs-old ! ovs-new", "ovs-new", "ovs-old", overshoot.KindUnauthorized},
		"right from the start":    {"ovs-new ovs-old", "ovs-new", "ovs-new", overshoot.KindNone},
		"only space was added":    {"ovs-old ovs-old\n ovs-new", "ovs-new", "ovs-old", overshoot.KindUnauthorized},
		"unreadable at the start": {"! ovs-new", "ovs-new", "", overshoot.KindUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			keys, sent := strings.Split(tc.keys, " "), []string{}
			client, err := overshoot.New(overshoot.Options{
				BaseURL: "https://api.example.test",
				Key: func() (key string, err error) {
					if key, keys = keys[0], keys[1:]; key == "!" {
						return "", errors.New("gone")
					}
					return key, nil
				},
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
					sent = append(sent, key)
					status, body := 401, `{"detail":"no such key"}`
					if key == tc.good {
						status, body = 201, created
					}
					return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Create(t.Context())
			if got := overshoot.KindOf(err); got != tc.kind || strings.Join(sent, " ") != tc.sent {
				t.Errorf("sent %v: %v", sent, err)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	key, failure := "abc\n", error(nil)
	client, err := overshoot.New(overshoot.Options{
		BaseURL: "https://api.example.test",
		Key:     func() (string, error) { return key, failure },
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := client.Fingerprint(); got != "ba7816bf" { // FIPS 180-2, appendix B.1
		t.Errorf("of abc: %q", got)
	}
	key = "abd"
	if got := client.Fingerprint(); len(got) != 8 || got == "ba7816bf" {
		t.Errorf("of a changed key: %q", got)
	}
	for _, unusable := range []string{"", " \n", "two keys"} {
		if key = unusable; client.Fingerprint() != "" {
			t.Errorf("of %q: %q", key, client.Fingerprint())
		}
	}
	key, failure = "abc", errors.New("permission denied")
	if got := client.Fingerprint(); got != "" {
		t.Errorf("of an unreadable key: %q", got)
	}
}

// Whatever an answer says, no request goes elsewhere than to the base URL.
func TestTheKeyGoesToTheConfiguredHostOnly(t *testing.T) {
	for _, status := range []int{200, 201, 300, 301, 302, 303, 307, 308, 401, 407, 409, 421, 429} {
		for op, call := range operations {
			transport := roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host != "api.example.test" || r.URL.Scheme != "https" || r.Host != "api.example.test" {
					t.Errorf("%s, %d: a request went to %s", op, status, r.URL)
				}
				return &http.Response{
					StatusCode: status,
					Header: http.Header{
						"Location": {"https://thief.example.test/"}, "Refresh": {"0; url=https://thief.example.test/"},
						"Alt-Svc": {`h2="thief.example.test:443"`}, "X-Overshoot-Region": {"thief.example.test/"},
					},
					Body: io.NopCloser(strings.NewReader(`{"detail":{"error":"region_error","expected_region":"thief.example.test/x"}}`)),
				}, nil
			})
			client, err := overshoot.New(overshoot.Options{
				BaseURL: "https://api.example.test", Transport: transport,
				Key: func() (string, error) { return testKey, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			call(t.Context(), client)
		}
	}
}
