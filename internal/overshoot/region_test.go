package overshoot_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// Both envelopes in which a wrong region is reported, and one that forgets to say
// where the stream is.
const (
	plainRegion  = `{"detail":{"error":"region_error","expected_region":"us-west1","requested_region":null}}`
	chatRegion   = `{"detail":{"error":{"message":"wrong region","type":"stream_error","code":"region_error","expected_region":"us-west1"}}}`
	silentRegion = `{"detail":{"error":{"message":"wrong region","type":"stream_error","code":"region_mismatch"}}}`
	evilRegion   = `{"detail":{"error":"region_error","expected_region":"us-west1\r\nX-Evil: 1"}}`
)

const keptAlive = `{"ttl_seconds":300,"publish":{"url":"wss://x","token":"t"}}`

func TestWrongRegionIsRepeatedInTheRightOne(t *testing.T) {
	for name, tc := range map[string]struct {
		refusal string // given to every region but those served
		ask     string
		served  string // "none" for never
		want    string // regions asked in turn
		kind    overshoot.Kind
	}{
		"plain":                   {plainRegion, "us-central1", "us-west1", "us-central1,us-west1", overshoot.KindNone},
		"plain, none asked":       {plainRegion, "", "us-west1", ",us-west1", overshoot.KindNone},
		"chat":                    {chatRegion, "us-central1", "us-west1", "us-central1,us-west1", overshoot.KindNone},
		"only without the header": {plainRegion, "us-central1", "", "us-central1,us-west1,", overshoot.KindNone},
		"expected not said":       {silentRegion, "us-central1", "", "us-central1,", overshoot.KindNone},
		"unfit for a header":      {evilRegion, "us-central1", "", "us-central1,", overshoot.KindNone},
		"never":                   {plainRegion, "us-central1", "none", "us-central1,us-west1,", overshoot.KindRegion},
		"never, none asked":       {silentRegion, "", "none", "", overshoot.KindRegion},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				region := r.Header.Get("X-Overshoot-Region")
				asked = append(asked, region)
				if region != tc.served {
					w.WriteHeader(http.StatusConflict)
					io.WriteString(w, tc.refusal)
					return
				}
				io.WriteString(w, keptAlive)
			})
			stream, err := client.Keepalive(t.Context(), streamID, tc.ask)
			if got := overshoot.KindOf(err); got != tc.kind {
				t.Fatalf("kind %q, want %q: %v", got, tc.kind, err)
			}
			if got := strings.Join(asked, ","); got != tc.want {
				t.Errorf("asked the regions %q, want %q", got, tc.want)
			}
			if err == nil && stream.Region != tc.served {
				t.Errorf("learnt the region %q, want %q", stream.Region, tc.served)
			}
		})
	}
}

func TestRegionOfTheAnswerWins(t *testing.T) {
	client := answering(t, 200, answer(`"yes"`), "X-Overshoot-Region", "us-west1")
	got, err := client.Chat(t.Context(), "us-central1", question())
	if err != nil {
		t.Fatal(err)
	}
	if got.Region != "us-west1" {
		t.Errorf("learnt %q, want us-west1", got.Region)
	}
}

// A region may come from a journal that was damaged.
func TestOddRegionsAreNotSent(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if got, sent := r.Header["X-Overshoot-Region"]; sent {
			t.Errorf("sent the region %q", got)
		}
		io.WriteString(w, keptAlive)
	})
	for _, region := range []string{"", "us west", "us-west1\r\nX-Evil: 1", "\x00", strings.Repeat("a", 65)} {
		stream, err := client.Keepalive(t.Context(), streamID, region)
		if err != nil || stream.Region != "" {
			t.Errorf("region %q: learnt %q, %v", region, stream.Region, err)
		}
	}
}

func TestOtherConflictsAreNotRepeated(t *testing.T) {
	calls := 0
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"detail":{"error":{"message":"later","type":"stream_error","code":"frame_not_yet_produced"}}}`)
	})
	_, err := client.Chat(t.Context(), "us-west1", question())
	wantKind(t, err, overshoot.KindConflict)
	if calls != 1 {
		t.Errorf("%d requests, want 1", calls)
	}
}
