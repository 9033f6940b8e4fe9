package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
	"pgregory.net/rapid"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// verify is a receiver's side of Standard Webhooks 1.0.0, written from the specification.
func verify(r request, secret string, now time.Time) error {
	id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("id %q, timestamp %q", id, stamp)
	}
	if age := now.Sub(time.Unix(seconds, 0)).Abs(); age > 5*time.Minute {
		return fmt.Errorf("the timestamp is off by %v", age)
	}
	key, err := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, r.body)
	for _, signature := range strings.Split(r.Header.Get("webhook-signature"), " ") {
		version, value, _ := strings.Cut(signature, ",")
		given, err := base64.StdEncoding.DecodeString(value)
		if version == "v1" && err == nil && hmac.Equal(given, mac.Sum(nil)) {
			return nil
		}
	}
	return fmt.Errorf("no signature fits: %q", r.Header.Get("webhook-signature"))
}

// The specification's official Go library gives this signature for this message.
func TestTheSignatureIsThatOfTheOfficialLibrary(t *testing.T) {
	h := http.Header{}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(oldSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	webhook.Sign(h, [][]byte{key}, "01936f3e-8a5b-7c3d-9e2f-1a2b3c4d5e6f", time.Unix(1795354620, 0), []byte(`{"ünï":"<&>"}`))
	if got := h.Get("webhook-signature"); got != "v1,7AKCcqn+N7/A6jNkQLn/G9HEzTSyyGPodhguYCm6ROs=" {
		t.Errorf("got %s", got)
	}
	r := request{&http.Request{Header: h}, `{"ünï":"<&>"}`}
	if err := verify(r, oldSecret, time.Unix(1795354620, 0)); err != nil {
		t.Errorf("the test's own reading of the specification differs: %v", err)
	}
}

func TestRequestsAreSigned(t *testing.T) {
	for settings, secrets := range map[string][]string{
		"secret: " + oldSecret:                                   {oldSecret},
		"secret: [" + newSecret + ", " + oldSecret + "]":         {newSecret, oldSecret},
		"batch: 5\nsecret: [" + newSecret + "]":                  {newSecret},
		"preset: slack\nsecret: " + newSecret:                    {newSecret},
		"body: '{{json .data.result}} '\nsecret: " + newSecret:   {newSecret},
		"headers: {X-A: b}\ntoken: abcd\nsecret: " + newSecret:   {newSecret},
		"method: PUT\nsecret: [" + newSecret + "]\ntimeout: 1s ": {newSecret},
	} {
		r := listen(t, nil)
		deliver(t, open(t, "url: "+r.URL+"\n"+settings), results("a", "b", "c")...)
		for _, got := range r.requests() {
			for _, secret := range secrets {
				if err := verify(got, secret, time.Now()); err != nil {
					t.Errorf("%s: %v", settings, err)
				}
			}
			if n := len(strings.Fields(got.Header.Get("webhook-signature"))); n != len(secrets) {
				t.Errorf("%s: %d signatures", settings, n)
			}
			got.body += " "
			if verify(got, secrets[0], time.Now()) == nil {
				t.Errorf("%s: a changed body has a good signature", settings)
			}
		}
	}
}

func TestTheIDIsThatOfTheEventOnEveryTry(t *testing.T) {
	n := 0
	r := listen(t, func(w http.ResponseWriter, _ request) {
		if n++; n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := open(t, "url: "+r.URL+"\nsecret: "+oldSecret)
	_, err := s.Deliver(t.Context(), results("the-id"))
	wantError(t, err, sink.Again)
	deliver(t, s, results("the-id")...)
	for _, got := range r.requests() {
		if id := got.Header.Get("webhook-id"); id != "the-id" || object(t, got.body)["id"] != id {
			t.Errorf("the id is %q", id)
		}
	}
}

// played is a far side without a network, for tests of time.
type played func(*http.Request) (*http.Response, error)

func (p played) RoundTrip(r *http.Request) (*http.Response, error) { return p(r) }
func (p played) CloseIdleConnections()                             {}

func TestTheTimestampIsThatOfTheTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stamps []string
		s := open(t, "url: http://hook.example/\nsecret: "+oldSecret)
		webhook.Play(s, played(func(r *http.Request) (*http.Response, error) {
			stamps = append(stamps, r.Header.Get("webhook-timestamp"))
			return httptest.NewRecorder().Result(), nil
		}))
		start := time.Now().Unix()
		deliver(t, s, results("1")...)
		time.Sleep(time.Hour)
		deliver(t, s, results("1")...)
		if want := []string{fmt.Sprint(start), fmt.Sprint(start + 3600)}; !slices.Equal(stamps, want) {
			t.Errorf("got %v, want %v", stamps, want)
		}
	})
}

// A receiver that tells duplicates by the webhook-id must never take a batch for another one.
func TestTheIDOfABatchSaysWhatIsInIt(t *testing.T) {
	id := webhook.DeliveryID
	rapid.Check(t, func(t *rapid.T) {
		batches := rapid.SliceOfN(rapid.StringMatching(`[0-9a-f-]{1,8}`), 1, 6)
		a, b := batches.Draw(t, "a"), batches.Draw(t, "b")
		if slices.Equal(a, b) != (id(a) == id(b)) {
			t.Errorf("%v has %s, %v has %s", a, id(a), b, id(b))
		}
		if strings.ContainsAny(id(a), ". \r\n") || len(a) == 1 && id(a) != a[0] {
			t.Errorf("the id is %q", id(a))
		}
	})
}
