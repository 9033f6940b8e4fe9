package overshoot_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

const created = `{"id":"` + streamID + `","state":"active","source":{"type":"livekit"},
 "publish":{"type":"livekit","url":"wss://livekit.example.test","token":"eyJhbGciOi.sim.1"},
 "expires_at_ms":1790000300000.0,"ttl_seconds":300,"a_new_field":{"deep":[1,2,{}]}}`

func TestCreate(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := fmt.Sprintf("%s %s %s %s %s %q", r.Method, r.URL.Path, body,
			r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("X-Overshoot-Region"))
		want := `POST /v1beta/streams {} Bearer ` + testKey + ` application/json ""`
		if got != want {
			t.Errorf("the request was\n%s, want\n%s", got, want)
		}
		if got := r.Header.Get("User-Agent"); got != "overshoot-agent/test" {
			t.Errorf("the user agent is %q", got)
		}
		w.Header().Set("X-Overshoot-Region", "us-central1")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, created)
	})

	before := time.Now()
	stream, err := client.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stream.SentAt.Before(before) || stream.SentAt.After(time.Now()) {
		t.Errorf("the request was sent at %v, which is not during the call", stream.SentAt)
	}
	stream.SentAt = time.Time{}
	want := overshoot.Stream{
		ID: streamID, Region: "us-central1",
		Grant:       overshoot.Grant{URL: "wss://livekit.example.test", Token: "eyJhbGciOi.sim.1"},
		TTL:         5 * time.Minute,
		ExpiresAtMS: 1790000300000,
	}
	if stream != want {
		t.Errorf("created %+v, want %+v", stream, want)
	}
}

func TestUnusableStreams(t *testing.T) {
	const publish = `"publish":{"type":"livekit","url":"wss://x","token":"t"}`
	for name, tc := range map[string]struct{ body, wantID string }{
		"publish null":    {`{"id":"` + streamID + `","ttl_seconds":300,"publish":null}`, streamID},
		"publish missing": {`{"id":"` + streamID + `","ttl_seconds":300}`, streamID},
		"no token":        {`{"id":"` + streamID + `","ttl_seconds":300,"publish":{"url":"wss://x"}}`, streamID},
		"other transport": {`{"id":"` + streamID + `","ttl_seconds":300,"publish":{"type":"whip","url":"wss://x","token":"t"}}`, streamID},
		"no ttl":          {`{"id":"` + streamID + `",` + publish + `}`, streamID},
		"ttl zero":        {`{"id":"` + streamID + `","ttl_seconds":0,` + publish + `}`, streamID},
		"ttl a string":    {`{"id":"` + streamID + `","ttl_seconds":"300",` + publish + `}`, streamID},
		"no id":           {`{"ttl_seconds":300,` + publish + `}`, ""},
		"id with a path":  {`{"id":"../../billing","ttl_seconds":300,` + publish + `}`, ""},
		"cut":             {`{"id":"` + streamID + `","ttl_sec`, ""},
		"two values":      {created + created, ""},
		"empty":           {``, ""},
		"null":            {`null`, ""},
		"HTML":            {`<html>captive portal</html>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := answering(t, 201, tc.body).Create(t.Context())
			wantKind(t, err, overshoot.KindMalformed)
			if stream.ID != tc.wantID {
				t.Errorf("the stream to delete is %q, want %q", stream.ID, tc.wantID)
			}
		})
	}
}

func TestKeepalive(t *testing.T) {
	var calls recorder
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		calls.note(r)
		io.WriteString(w, `{"expires_at_ms":1790000400000,"ttl_seconds":2.5,"stream_time_ms":97950.5,
			"publish":{"url":"wss://livekit.example.test","token":"eyJhbGciOi.sim.2"}}`)
	})
	stream, err := client.Keepalive(t.Context(), streamID, "us-west1")
	if err != nil {
		t.Fatal(err)
	}
	if stream.ID != streamID || stream.Region != "us-west1" || stream.TTL != 2500*time.Millisecond || stream.Grant.Token != "eyJhbGciOi.sim.2" {
		t.Errorf("renewed %+v with token %s", stream, stream.Grant.Token)
	}
	if got := strings.Join(calls.calls, ","); got != "POST /v1beta/streams/"+streamID+"/keepalive us-west1" {
		t.Errorf("called %s", got)
	}
}

func TestAnswersAboutAnotherStreamAreNotTaken(t *testing.T) {
	other := strings.ReplaceAll(created, streamID, "0b9d4c1e-55f2-4d0e-8f0b-3f2a9c6e7710")
	_, err := answering(t, 200, other).Keepalive(t.Context(), streamID, "")
	wantKind(t, err, overshoot.KindMalformed)
	_, err = answering(t, 200, other).Get(t.Context(), streamID, "")
	wantKind(t, err, overshoot.KindMalformed)
}

func TestGet(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want overshoot.StreamState
	}{
		"flowing": {
			`{"id":"` + streamID + `","state":"active","source":{"type":"livekit"},"last_pull":null,
			 "stream_time_ms":84200.0,"first_frame_at_ms":1790000002100,"last_frame_at_ms":1790000086300,
			 "last_frame_index":1262,"first_available_frame_at_ms":1790000002100,"first_available_frame_index":0,
			 "created_at_ms":1790000000000,"recent_fps":15.5,"retained_frame_count":1263,"evicted_frame_count":0,
			 "expires_at_ms":1790000380000,"ttl_seconds":300,"ended_at_ms":null,"end_reason":null,"audio":false}`,
			overshoot.StreamState{
				ID: streamID, Active: true, FirstFrameAtMS: 1790000002100, LastFrameAtMS: 1790000086300,
				LastFrameIndex: 1262, RetainedFrames: 1263, RecentFPS: 15.5, TTL: 5 * time.Minute, ExpiresAtMS: 1790000380000,
			},
		},
		"before the first frame": {
			`{"id":"` + streamID + `","state":"active","stream_time_ms":0,"last_frame_at_ms":null,"last_frame_index":null,"ttl_seconds":300}`,
			overshoot.StreamState{
				ID: streamID, Active: true, LastFrameIndex: -1, FirstAvailableFrameIndex: -1, TTL: 5 * time.Minute,
			},
		},
		"tombstone": {
			`{"id":"` + streamID + `","state":"ended","last_frame_at_ms":1790000086300,"last_frame_index":1262,
			 "expires_at_ms":null,"ended_at_ms":1790000380000,"end_reason":"expired"}`,
			overshoot.StreamState{
				ID: streamID, EndReason: "expired", LastFrameAtMS: 1790000086300, LastFrameIndex: 1262,
				FirstAvailableFrameIndex: -1, EndedAtMS: 1790000380000,
			},
		},
		"statistics of strange types": {
			`{"id":"` + streamID + `","state":"active","recent_fps":"fast","last_frame_index":[7],"retained_frame_count":1e300,"ttl_seconds":{}}`,
			overshoot.StreamState{
				ID: streamID, Active: true, LastFrameIndex: -1, FirstAvailableFrameIndex: -1, RetainedFrames: 1<<63 - 1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := answering(t, 200, tc.body).Get(t.Context(), streamID, "")
			if err != nil {
				t.Fatal(err)
			}
			if state != tc.want {
				t.Errorf("got  %+v\nwant %+v", state, tc.want)
			}
		})
	}
}

func TestGetWantsAKnownState(t *testing.T) {
	for _, state := range []string{`"paused"`, `null`, `7`} {
		_, err := answering(t, 200, `{"id":"`+streamID+`","state":`+state+`}`).Get(t.Context(), streamID, "")
		wantKind(t, err, overshoot.KindMalformed)
	}
}

func TestDeleteTakesGoneForDone(t *testing.T) {
	for status, want := range map[int]overshoot.Kind{
		200: overshoot.KindNone, 204: overshoot.KindNone, 404: overshoot.KindNone, 410: overshoot.KindNone,
		401: overshoot.KindUnauthorized, 403: overshoot.KindForbidden, 500: overshoot.KindServer, 503: overshoot.KindUnavailable,
	} {
		err := answering(t, status, "").Delete(t.Context(), streamID, "us-west1")
		if got := overshoot.KindOf(err); got != want {
			t.Errorf("status %d: kind %q, want %q (%v)", status, got, want, err)
		}
	}
}

func TestOddStreamIDsAreNotSent(t *testing.T) {
	client := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, id := range []string{"", ".", "..", "a/b", "a?b", "a b", "a%2fb", "ü", strings.Repeat("a", 200)} {
		_, err := client.Keepalive(t.Context(), id, "")
		wantKind(t, err, overshoot.KindInvalid)
		_, err = client.Get(t.Context(), id, "")
		wantKind(t, err, overshoot.KindInvalid)
		wantKind(t, client.Delete(t.Context(), id, ""), overshoot.KindInvalid)
	}
}

func TestGrantsPrintWithoutTheirToken(t *testing.T) {
	stream := overshoot.Stream{ID: streamID, Grant: overshoot.Grant{URL: "wss://x?access_token=canary-token", Token: "canary-token"}}
	marshaled, err := json.Marshal(stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(stream), fmt.Sprintf("%+v", stream), fmt.Sprintf("%#v", stream), fmt.Sprintf("%v", &stream), string(marshaled),
	} {
		if strings.Contains(text, "canary") {
			t.Errorf("the token is in %s", text)
		}
	}
}
