package overshoot_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func TestBaseURLs(t *testing.T) {
	for base, want := range map[string]struct{ models, balance string }{
		"":                {"/v1beta/models", "/billing/accounts/me/balance"},
		"/":               {"/v1beta/models", "/billing/accounts/me/balance"},
		"/v1beta":         {"/v1beta/models", "/billing/accounts/me/balance"},
		"/v1beta/":        {"/v1beta/models", "/billing/accounts/me/balance"},
		"/v1":             {"/v1/models", "/billing/accounts/me/balance"},
		"/gateway/":       {"/gateway/v1beta/models", "/gateway/billing/accounts/me/balance"},
		"/gateway/v1beta": {"/gateway/v1beta/models", "/gateway/billing/accounts/me/balance"},
	} {
		t.Run(base, func(t *testing.T) {
			var paths []string
			client, err := overshoot.New(overshoot.Options{
				BaseURL: "https://api.example.test" + base,
				Key:     func() (string, error) { return testKey, nil },
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					paths = append(paths, r.URL.Path)
					return nil, errors.New("far enough")
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			client.Models(t.Context())
			client.Balance(t.Context())
			if got := strings.Join(paths, " "); got != want.models+" "+want.balance {
				t.Errorf("asked at %s, want %s", got, want)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBadOptionsAreRefusedWithoutQuotingThem(t *testing.T) {
	key := func() (string, error) { return testKey, nil }
	for _, options := range []overshoot.Options{
		{Key: key},
		{Key: key, BaseURL: "api.example.test"},
		{Key: key, BaseURL: "ftp://api.example.test"},
		{Key: key, BaseURL: "https://user:hunter2@api.example.test"},
		{Key: key, BaseURL: "https://user:hunter2/@api.example.test"},
		{Key: key, BaseURL: "https://api.example.test?key=hunter2"},
		{Key: key, BaseURL: "https://api.example.test#hunter2"},
		{BaseURL: "https://api.example.test"},
	} {
		_, err := overshoot.New(options)
		if err == nil {
			t.Errorf("%q is taken", options.BaseURL)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error quotes the password: %v", err)
		}
	}
}

func TestEachRequestCarriesTheNewestKey(t *testing.T) {
	keys := []string{"ovs-first-key\n", "ovs-second-key"}
	var seen []string
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Header.Get("Authorization"))
		return nil, errors.New("far enough")
	})
	client, err := overshoot.New(overshoot.Options{
		BaseURL: "https://api.example.test", Transport: transport,
		Key: func() (key string, err error) {
			key, keys = keys[0], keys[1:]
			return key, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	client.Balance(t.Context())
	client.Balance(t.Context())
	if got := strings.Join(seen, ","); got != "Bearer ovs-first-key,Bearer ovs-second-key" {
		t.Errorf("the requests carried %s", got)
	}
}

func TestUnusableKeysAreNotSent(t *testing.T) {
	for name, key := range map[string]func() (string, error){
		"unreadable":   func() (string, error) { return "", errors.New("open /etc/key: permission denied") },
		"empty":        func() (string, error) { return " \n", nil },
		"two lines":    func() (string, error) { return "ovs-one-line\novs-two-line", nil },
		"not ASCII":    func() (string, error) { return "ovs-schlüssel", nil },
		"control byte": func() (string, error) { return "ovs-key\x00tail", nil },
	} {
		t.Run(name, func(t *testing.T) {
			client, err := overshoot.New(overshoot.Options{
				BaseURL: "https://api.example.test", Key: key,
				Transport: roundTripper(func(*http.Request) (*http.Response, error) {
					t.Error("a request was sent")
					return nil, errors.New("sent")
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Create(t.Context())
			wantKind(t, err, overshoot.KindUnauthorized)
			if strings.Contains(err.Error(), "ovs-") {
				t.Errorf("the error quotes the key: %v", err)
			}
			if e, _ := errors.AsType[*overshoot.Error](err); e.OutcomeUnknown() {
				t.Error("a request that was not sent counts as maybe carried out")
			}
		})
	}
}
