package overshoot_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// Each row of the table of chat codes, with the status it is known to come with.
func TestChatActions(t *testing.T) {
	for _, row := range []struct {
		status int
		code   string
		want   overshoot.Action
	}{
		{400, "stream_url_invalid", overshoot.ActionFix},
		{400, "query_param_invalid", overshoot.ActionFix},
		{422, "query_param_invalid", overshoot.ActionFix},
		{400, "segment_invalid", overshoot.ActionSkip},
		{400, "model_video_unsupported", overshoot.ActionOtherModel},
		{400, "provider_safety_block", overshoot.ActionSkip},
		{402, "billing_denied", overshoot.ActionPause},
		{403, "stream_unauthorized", overshoot.ActionStop},
		{404, "stream_not_found", overshoot.ActionConfirm},
		{404, "segment_empty", overshoot.ActionWait},
		{404, "model_not_found", overshoot.ActionOtherModel},
		{404, "price_missing", overshoot.ActionOtherModel},
		{404, "something_new", overshoot.ActionConfirm},
		{409, "frame_not_yet_produced", overshoot.ActionWait},
		{422, "frame_not_yet_produced", overshoot.ActionWait},
		{409, "something_new", overshoot.ActionWait},
		{410, "frame_evicted", overshoot.ActionSkip},
		{429, "", overshoot.ActionRetry},
		{503, "model_unavailable", overshoot.ActionOtherModel},
		{404, "model_unavailable", overshoot.ActionOtherModel},
		{502, "upstream_http_401", overshoot.ActionRetry},
		{502, "upstream_http_500", overshoot.ActionRetry},
		{429, "upstream_http_429", overshoot.ActionRetry},
		{502, "upstream_http_400", overshoot.ActionFix},
		{400, "upstream_http_400", overshoot.ActionFix},
		{502, "upstream_http_weird", overshoot.ActionRetry},
		{502, "upstream_request_failed", overshoot.ActionRetry},
		{504, "upstream_timeout", overshoot.ActionRetry},
		{500, "", overshoot.ActionRetry},

		// By status alone, as in the one-page table.
		{400, "", overshoot.ActionFix},
		{401, "", overshoot.ActionStop},
		{402, "", overshoot.ActionPause},
		{403, "", overshoot.ActionStop},
		{404, "", overshoot.ActionConfirm},
		{409, "", overshoot.ActionWait},
		{410, "", overshoot.ActionSkip},
		{418, "", overshoot.ActionFix},
		{422, "", overshoot.ActionFix},
		{502, "", overshoot.ActionRetry},
		{503, "", overshoot.ActionRetry},
		{504, "", overshoot.ActionRetry},
		{599, "", overshoot.ActionRetry},
	} {
		body := fmt.Sprintf(`{"detail":{"error":{"message":"m","type":"t","code":%q}}}`, row.code)
		e := failing(t, row.status, body)
		if got := e.Action(); got != row.want {
			t.Errorf("%d %s: %q, want %q", row.status, row.code, got, row.want)
		}
	}
}

func TestUpstreamStatusBeatsTheCode(t *testing.T) {
	e := failing(t, 502, `{"detail":{"error":{"code":"upstream_http_error","upstream":{"status":422}}}}`)
	if got := e.Action(); got != overshoot.ActionFix {
		t.Errorf("action %q, want fix", got)
	}
}

func TestUnknownModelWithoutACode(t *testing.T) {
	if got := failing(t, 404, `{"detail":"Model not found"}`).Action(); got != overshoot.ActionOtherModel {
		t.Errorf("action %q, want other_model", got)
	}
	if got := failing(t, 404, `{"detail":"Stream not found"}`).Action(); got != overshoot.ActionConfirm {
		t.Errorf("action %q, want confirm", got)
	}
}

// The one-page table of the contract for the calls about streams.
func TestStreamActions(t *testing.T) {
	const (
		none     = overshoot.ActionNone
		retry    = overshoot.ActionRetry
		recreate = overshoot.ActionRecreate
		skip     = overshoot.ActionSkip
		fix      = overshoot.ActionFix
		pause    = overshoot.ActionPause
		stop     = overshoot.ActionStop
	)
	for status, want := range map[int]struct{ create, keepalive, delete overshoot.Action }{
		400: {fix, fix, skip},
		401: {stop, stop, stop},
		402: {pause, pause, retry},
		403: {stop, recreate, skip},
		404: {fix, recreate, none},
		409: {retry, retry, retry},
		410: {fix, recreate, none},
		422: {fix, fix, skip},
		418: {fix, fix, skip},
		429: {retry, retry, retry},
		500: {retry, retry, retry},
		502: {retry, retry, retry},
		503: {retry, retry, retry},
		504: {retry, retry, retry},
		599: {retry, retry, retry},
	} {
		client := answering(t, status, `{"detail":"no"}`)
		_, err := client.Create(t.Context())
		if got := overshoot.ActionOf(err); got != want.create {
			t.Errorf("create %d: %q, want %q", status, got, want.create)
		}
		_, err = client.Keepalive(t.Context(), streamID, "")
		if got := overshoot.ActionOf(err); got != want.keepalive {
			t.Errorf("keepalive %d: %q, want %q", status, got, want.keepalive)
		}
		_, err = client.Get(t.Context(), streamID, "")
		if got := overshoot.ActionOf(err); got != want.keepalive {
			t.Errorf("get %d: %q, want %q", status, got, want.keepalive)
		}
		if got := overshoot.ActionOf(client.Delete(t.Context(), streamID, "")); got != want.delete {
			t.Errorf("delete %d: %q, want %q", status, got, want.delete)
		}
	}
}

func TestActionsOfOtherErrors(t *testing.T) {
	if got := overshoot.ActionOf(nil); got != overshoot.ActionNone {
		t.Errorf("nil: %q", got)
	}
	if got := overshoot.ActionOf(errors.New("foreign")); got != overshoot.ActionRetry {
		t.Errorf("foreign: %q", got)
	}
}
