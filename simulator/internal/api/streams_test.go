package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

const streams = "/v1beta/streams"

func TestLifeOfAStream(t *testing.T) {
	b := newBench(t, nil)
	created := b.call(http.MethodPost, streams, "{}")
	id, _ := created.json["id"].(string)
	if created.status != 201 || created.json["state"] != "active" || created.at("source.type") != "livekit" ||
		created.json["ttl_seconds"] != 300.0 || created.at("publish.type") != "livekit" || created.at("publish.token") != "publish-"+id+"-1" {
		t.Fatalf("create: %d %s", created.status, created.text)
	}
	if got := created.header.Get("X-Overshoot-Region"); got != "us-central1" {
		t.Errorf("create: region %q", got)
	}
	before := b.call(http.MethodGet, streams+"/"+id, "")
	if before.status != 200 || before.json["last_frame_at_ms"] != nil || before.json["stream_time_ms"] != 0.0 || before.json["retained_frame_count"] != 0.0 {
		t.Errorf("get before the first frame: %s", before.text)
	}
	b.media.Push(id, 5, 1)
	b.media.Push(id, 6, 1)
	flowing := b.call(http.MethodGet, streams+"/"+id, "")
	if flowing.json["last_frame_index"] != 1.0 || flowing.json["first_available_frame_index"] != 0.0 || flowing.json["recent_fps"] != 0.4 || flowing.json["audio"] != false {
		t.Errorf("get with frames: %s", flowing.text)
	}
	kept := b.call(http.MethodPost, streams+"/"+id+"/keepalive", "{}")
	if kept.status != 200 || kept.at("publish.token") != "publish-"+id+"-2" || kept.json["ttl_seconds"] != 300.0 {
		t.Errorf("keepalive: %d %s", kept.status, kept.text)
	}
	viewer := b.call(http.MethodPost, streams+"/"+id+"/viewer-token", "")
	if viewer.status != 200 || viewer.at("view.token") != "view-"+id+"-3" || viewer.at("view.expires_in_seconds") != 300.0 {
		t.Errorf("viewer token: %d %s", viewer.status, viewer.text)
	}
	deleted := b.call(http.MethodDelete, streams+"/"+id, "")
	if deleted.status != 200 || deleted.json["deleted"] != true || deleted.json["id"] != id {
		t.Errorf("delete: %d %s", deleted.status, deleted.text)
	}
	tombstone := b.call(http.MethodGet, streams+"/"+id, "")
	if tombstone.json["state"] != "ended" || tombstone.json["end_reason"] != "deleted" || tombstone.json["expires_at_ms"] != nil || tombstone.json["last_frame_index"] != 1.0 {
		t.Errorf("get after the end: %s", tombstone.text)
	}
	for _, path := range []string{"/keepalive", "/viewer-token"} {
		if a := b.call(http.MethodPost, streams+"/"+id+path, ""); a.status != 404 || a.code() != "Stream not found" {
			t.Errorf("%s after the end: %d %s", path, a.status, a.text)
		}
	}
}

// Every status of the stream endpoints, with the envelope it must come in.
func TestStreamStatuses(t *testing.T) {
	tests := []struct {
		name         string
		set          map[string]string
		method, path string // ID stands for main's stream
		body         string
		headers      []string
		status       int
		check        func(answer) bool
	}{
		{name: "create without key", method: "POST", path: streams, headers: []string{"Authorization", ""}, status: 401, check: hasPlainDetail},
		{name: "create with unknown key", method: "POST", path: streams, headers: []string{"Authorization", "Bearer x"}, status: 401, check: hasPlainDetail},
		{name: "create without user", method: "POST", path: streams, headers: []string{"Authorization", "Bearer key-homeless"}, status: 403, check: hasPlainDetail},
		{name: "create without credits", set: map[string]string{switches.CreateExtra: "402"}, method: "POST", path: streams, status: 402, check: hasPlainDetail},
		{name: "create refused by region", set: map[string]string{switches.CreateExtra: "409"}, method: "POST", path: streams, headers: []string{"X-Overshoot-Region", "us-west1"}, status: 409, check: isRegion("us-central1", "us-west1")},
		{name: "create in unknown region", method: "POST", path: streams, headers: []string{"X-Overshoot-Region", "eu"}, status: 409, check: isRegion("us-central1", "eu")},
		{name: "create while draining", set: map[string]string{switches.CreateExtra: "503"}, method: "POST", path: streams, status: 503, check: hasPlainDetail},
		{name: "create over the limit", set: map[string]string{switches.MaxStreamsPerKey: "1"}, method: "POST", path: streams, status: 429, check: hasPlainDetail},
		{name: "create over the limit, 403", set: map[string]string{switches.MaxStreamsPerKey: "1", switches.StreamLimitStatus: "403"}, method: "POST", path: streams, status: 403, check: hasPlainDetail},
		{name: "create with broken body", method: "POST", path: streams, body: "{", status: 422, check: hasPlainDetail},
		{name: "create from private camera", method: "POST", path: streams, body: `{"source":{"type":"rtsp","url":"rtsp://10.0.0.1/x"}}`, status: 422, check: hasPlainDetail},
		{name: "create from unreachable camera", set: map[string]string{switches.PublicSource: "refused"}, method: "POST", path: streams, body: `{"source":{"type":"rtsp","url":"rtsp://cam.example.test/x"}}`, status: 422, check: hasPlainDetail},
		{name: "create from public camera", method: "POST", path: streams, body: `{"source":{"type":"rtsp","url":"rtsp://u:p@cam.example.test/x"}}`, status: 201, check: func(a answer) bool { return a.at("source.type") == "rtsp" && a.json["publish"] == nil }},
		{name: "get unknown", method: "GET", path: streams + "/0b9d4c1e-55f2-4d0e-8f0b-3f2a9c6e7710", status: 404, check: hasPlainDetail},
		{name: "get of another user", method: "GET", path: streams + "/ID", headers: []string{"Authorization", "Bearer key-other"}, status: 404, check: hasPlainDetail},
		{name: "get by the user's other key", method: "GET", path: streams + "/ID", headers: []string{"Authorization", "Bearer key-second"}, status: 200, check: isOK},
		{name: "get from wrong region", method: "GET", path: streams + "/ID", headers: []string{"X-Overshoot-Region", "us-west1"}, status: 409, check: isRegion("us-central1", "us-west1")},
		{name: "get from wrong region, proxied", set: map[string]string{switches.WrongRegion: "proxy"}, method: "GET", path: streams + "/ID", headers: []string{"X-Overshoot-Region", "us-west1"}, status: 200, check: isOK},
		{name: "keepalive from wrong region", method: "POST", path: streams + "/ID/keepalive", headers: []string{"X-Overshoot-Region", "us-west1"}, status: 409, check: isRegion("us-central1", "us-west1")},
		{name: "keepalive of another user", method: "POST", path: streams + "/ID/keepalive", headers: []string{"Authorization", "Bearer key-other"}, status: 404, check: hasPlainDetail},
		{name: "delete of another user", method: "DELETE", path: streams + "/ID", headers: []string{"Authorization", "Bearer key-other"}, status: 404, check: hasPlainDetail},
		{name: "viewer token of another user", method: "POST", path: streams + "/ID/viewer-token", headers: []string{"Authorization", "Bearer key-other"}, status: 404, check: hasPlainDetail},
		{name: "no such path", method: "POST", path: streams + "/ID/infer", status: 404, check: hasPlainDetail},
		{name: "another generation", method: "POST", path: "/v0.2/streams", status: 404, check: hasPlainDetail},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, nil)
			id := b.create()
			b.set(test.set)
			a := b.call(test.method, strings.ReplaceAll(test.path, "ID", id), test.body, test.headers...)
			if a.status != test.status || !test.check(a) {
				t.Errorf("got %d %s", a.status, a.text)
			}
		})
	}
}

func isOK(a answer) bool { return a.json["id"] != nil }

func hasPlainDetail(a answer) bool {
	detail, ok := a.json["detail"].(string)
	return ok && detail != ""
}

func isRegion(expected, requested string) func(answer) bool {
	return func(a answer) bool {
		return a.at("detail.error") == "region_error" && a.at("detail.expected_region") == expected && a.at("detail.requested_region") == requested
	}
}

func TestMissingRegionHeader(t *testing.T) {
	b := newBench(t, nil)
	id := b.create("X-Overshoot-Region", "us-west1")
	if a := b.call(http.MethodGet, streams+"/"+id, ""); a.status != 200 || a.header.Get("X-Overshoot-Region") != "us-west1" {
		t.Errorf("served from elsewhere: %d, region %q", a.status, a.header.Get("X-Overshoot-Region"))
	}
	b.set(map[string]string{switches.MissingRegion: "409", switches.RegionHeader: "off"})
	if a := b.call(http.MethodGet, streams+"/"+id, ""); a.status != 409 || a.at("detail.expected_region") != "us-west1" || a.at("detail.requested_region") != nil {
		t.Errorf("without header: %d %s", a.status, a.text)
	}
	if a := b.call(http.MethodGet, streams+"/"+id, "", "X-Overshoot-Region", "us-west1"); a.status != 200 || a.header.Get("X-Overshoot-Region") != "" {
		t.Errorf("with it: %d, region %q", a.status, a.header.Get("X-Overshoot-Region"))
	}
}

func TestDeleteAgain(t *testing.T) {
	for value, want := range map[string]int{"200": 200, "204": 204, "404": 404} {
		b := newBench(t, map[string]string{switches.DeleteAgain: value})
		id := b.create()
		b.call(http.MethodDelete, streams+"/"+id, "")
		if a := b.call(http.MethodDelete, streams+"/"+id, ""); a.status != want {
			t.Errorf("delete_again=%s: got %d", value, a.status)
		}
	}
	b := newBench(t, map[string]string{switches.TombstoneSeconds: "0"})
	id := b.create()
	b.call(http.MethodDelete, streams+"/"+id, "")
	if a := b.call(http.MethodDelete, streams+"/"+id, ""); a.status != 404 {
		t.Errorf("past the tombstone: got %d", a.status)
	}
}

func TestStreamTimeBeforeTheFirstFrame(t *testing.T) {
	for value, want := range map[string]string{"0": `"stream_time_ms":0,`, "null": `"stream_time_ms":null,`, "missing": ""} {
		b := newBench(t, map[string]string{switches.TimeBeforeFirstFrame: value})
		a := b.call(http.MethodGet, streams+"/"+b.create(), "")
		if !strings.Contains(a.text, want) || (want == "" && strings.Contains(a.text, "stream_time_ms")) {
			t.Errorf("%s: %s", value, a.text)
		}
	}
}

func TestClockSkewMovesAllMoments(t *testing.T) {
	b := newBench(t, map[string]string{switches.ClockSkewMS: "120000"})
	id := b.create()
	b.media.Push(id, 1, 1)
	a := b.call(http.MethodGet, streams+"/"+id, "")
	for _, field := range []string{"created_at_ms", "first_frame_at_ms", "last_frame_at_ms", "first_available_frame_at_ms", "expires_at_ms"} {
		ms, _ := a.json[field].(float64)
		ahead := time.Until(time.UnixMilli(int64(ms)))
		if field == "expires_at_ms" {
			ahead -= 300 * time.Second
		}
		if ahead < 110*time.Second || ahead > 121*time.Second {
			t.Errorf("%s is %v ahead", field, ahead)
		}
	}
}

func TestOldTokensAreVoidedOnKeepaliveWhereSwitched(t *testing.T) {
	b := newBench(t, nil)
	id := b.create()
	b.call(http.MethodPost, streams+"/"+id+"/keepalive", "")
	if b.media.Voided(id) != 0 {
		t.Error("voided by default")
	}
	b.set(map[string]string{switches.OldPublishToken: "void-on-keepalive"})
	b.call(http.MethodPost, streams+"/"+id+"/keepalive", "")
	if b.media.Voided(id) != 1 {
		t.Error("not voided")
	}
}

func TestExtraFieldsStandBesideTheDocumentedOnes(t *testing.T) {
	b := newBench(t, nil)
	if a := b.call(http.MethodGet, streams+"/"+b.create(), ""); !strings.HasPrefix(a.text, `{"x_`) || a.json["state"] != "active" {
		t.Errorf("on: %s", a.text)
	}
	b.set(map[string]string{switches.ExtraFields: "off"})
	if a := b.call(http.MethodGet, streams+"/"+b.create(), ""); strings.Contains(a.text, `"x_`) {
		t.Errorf("off: %s", a.text)
	}
}

// A client that gives up on a slow create leaves an orphan: the stream exists, and counts.
func TestDelayedCreateLeavesAnOrphan(t *testing.T) {
	b := newBench(t, map[string]string{switches.CreateExtra: "delayed", switches.FaultDelayMS: "60000"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+streams, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer key-main")
	if _, err := http.DefaultClient.Do(request); err == nil {
		t.Fatal("the create was answered")
	}
	if got := b.streams.MostSeen("main"); got != 1 {
		t.Errorf("%d streams were made, want 1", got)
	}
}

func TestMediaServerDown(t *testing.T) {
	b := newBench(t, nil)
	id := b.create()
	b.media.SetDown(true)
	for _, path := range []string{streams, streams + "/" + id + "/keepalive", streams + "/" + id + "/viewer-token"} {
		if a := b.call(http.MethodPost, path, ""); a.status != 503 || !hasPlainDetail(a) {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
}

func TestRevokedKey(t *testing.T) {
	b := newBench(t, nil)
	id, revoked := b.create(), true
	if err := b.keys.Update("main", account.Change{Revoked: &revoked}); err != nil {
		t.Fatal(err)
	}
	if a := b.call(http.MethodPost, streams+"/"+id+"/keepalive", ""); a.status != 401 || b.last().Key != "main" {
		t.Errorf("got %d, logged for key %q", a.status, b.last().Key)
	}
}
