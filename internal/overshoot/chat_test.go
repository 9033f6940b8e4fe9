package overshoot_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func answer(content string) string {
	return `{"id":"c3a1","choices":[{"index":0,"message":{"role":"assistant","content":` + content + `},"finish_reason":"stop"}]}`
}

func TestChatRequests(t *testing.T) {
	cold := 0.0
	for name, tc := range map[string]struct {
		ask  overshoot.ChatRequest
		want string
	}{
		"text only": {
			overshoot.ChatRequest{Model: "m", Prompt: "Hello?", MaxTokens: 8},
			`{"model":"m","max_tokens":8,"messages":[{"role":"user","content":[{"type":"text","text":"Hello?"}]}]}`,
		},
		"picture, with all options": {
			overshoot.ChatRequest{
				Model: "m", System: "Be brief.", Prompt: "How many?", MaxTokens: 128, Temperature: &cold,
				Media:  overshoot.Media{ImageURL: overshoot.FrameURL(streamID)},
				Schema: json.RawMessage(`{"type":"object"}`), SchemaName: "front door/people", ThreadID: "door-people-1",
			},
			`{"model":"m","max_tokens":128,"temperature":0,"thread_id":"door-people-1",
			 "response_format":{"type":"json_schema","json_schema":{"name":"front_door_people","schema":{"type":"object"},"strict":true}},
			 "messages":[{"role":"system","content":"Be brief."},
			  {"role":"user","content":[{"type":"text","text":"How many?"},
			   {"type":"image_url","image_url":{"url":"ovs://streams/` + streamID + `?frame_index=-1"}}]}]}`,
		},
		"video": {
			overshoot.ChatRequest{
				Model: "m", Prompt: "Moving?", MaxTokens: 8,
				Media:  overshoot.Media{VideoURL: overshoot.WindowURL(streamID, 5*time.Second, 2)},
				Schema: json.RawMessage(`{}`),
			},
			`{"model":"m","max_tokens":8,
			 "response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{},"strict":true}},
			 "messages":[{"role":"user","content":[{"type":"text","text":"Moving?"},
			   {"type":"video_url","video_url":{"url":"ovs://streams/` + streamID + `?start_offset_ms=-5000&max_fps=2"}}]}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v1beta/chat/completions" || r.Header.Get("X-Overshoot-Region") != "us-west1" {
					t.Errorf("asked %s in %q", r.URL.Path, r.Header.Get("X-Overshoot-Region"))
				}
				var got, want any
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
					t.Error(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("sent %v\nwant %v", got, want)
				}
				io.WriteString(w, answer(`"yes"`))
			})
			if _, err := client.Chat(t.Context(), "us-west1", tc.ask); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBadQuestionsAreNotSent(t *testing.T) {
	client := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	nan := math.NaN()
	for name, change := range map[string]func(*overshoot.ChatRequest){
		"no model":       func(ask *overshoot.ChatRequest) { ask.Model = "" },
		"no prompt":      func(ask *overshoot.ChatRequest) { ask.Prompt = "" },
		"no cap":         func(ask *overshoot.ChatRequest) { ask.MaxTokens = 0 },
		"two media":      func(ask *overshoot.ChatRequest) { ask.Media = overshoot.Media{ImageURL: "a", VideoURL: "b"} },
		"temperature":    func(ask *overshoot.ChatRequest) { ask.Temperature = &nan },
		"broken schema":  func(ask *overshoot.ChatRequest) { ask.Schema = json.RawMessage(`{"type":`) },
		"schema is text": func(ask *overshoot.ChatRequest) { ask.Schema = json.RawMessage(`type: object`) },
	} {
		t.Run(name, func(t *testing.T) {
			ask := question()
			change(&ask)
			_, err := client.Chat(t.Context(), "", ask)
			wantKind(t, err, overshoot.KindInvalid)
			if got := overshoot.ActionOf(err); got != overshoot.ActionFix {
				t.Errorf("action %q, want fix", got)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	client := answering(t, 200, `{"id":"c3a1","object":"chat.completion","created":1790000090,"model":"google/gemma-4-26B-A4B-it",
	 "choices":[{"index":0,"message":{"role":"assistant","content":"{\"person\":true}","refusal":null},"finish_reason":"stop","logprobs":null}],
	 "usage":{"prompt_tokens":1742,"completion_tokens":17.0,"total_tokens":1759,"details":{}},
	 "overshoot":{"cache":{"thread_id":"gate2","cache_hit":true,"cached_input_tokens":48}}}`)
	got, err := client.Chat(t.Context(), "", question())
	if err != nil {
		t.Fatal(err)
	}
	want := overshoot.Answer{
		ID: "c3a1", Model: "google/gemma-4-26B-A4B-it", Content: `{"person":true}`, FinishReason: "stop", CacheHit: true,
		Usage: overshoot.Usage{Prompt: 1742, Completion: 17, Total: 1759, Cached: 48},
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAnswerSurvivesStrangeSideFields(t *testing.T) {
	client := answering(t, 200, `{"id":7,"model":null,"choices":[{"message":{"content":"yes"},"finish_reason":null}],
	 "usage":"none","overshoot":{"cache":[]}}`)
	got, err := client.Chat(t.Context(), "", question())
	if err != nil {
		t.Fatal(err)
	}
	if want := (overshoot.Answer{Content: "yes"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAnswersWithoutContentAreErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want overshoot.Action
	}{
		"no choices":      {`{"id":"c3a1"}`, overshoot.ActionRetry},
		"empty choices":   {`{"id":"c3a1","choices":[]}`, overshoot.ActionRetry},
		"null choices":    {`{"id":"c3a1","choices":null}`, overshoot.ActionRetry},
		"null choice":     {`{"id":"c3a1","choices":[null]}`, overshoot.ActionRetry},
		"null content":    {answer(`null`), overshoot.ActionRetry},
		"empty content":   {answer(`""`), overshoot.ActionRetry},
		"blank content":   {answer(`" \n"`), overshoot.ActionRetry},
		"content an int":  {answer(`7`), overshoot.ActionRetry},
		"cut":             {answer(`"yes"`)[:40], overshoot.ActionRetry},
		"text":            {`yes`, overshoot.ActionRetry},
		"nothing":         {``, overshoot.ActionRetry},
		"NaN":             {`{"choices":[{"message":{"content":"yes"}}],"usage":{"total_tokens":NaN}}`, overshoot.ActionRetry},
		"refused":         {`{"choices":[{"message":{"content":null},"finish_reason":"content_filter"}]}`, overshoot.ActionSkip},
		"cap was reached": {`{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`, overshoot.ActionSkip},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answering(t, 200, tc.body).Chat(t.Context(), "", question())
			wantKind(t, err, overshoot.KindMalformed)
			if action := overshoot.ActionOf(err); action != tc.want {
				t.Errorf("action %q, want %q: %v", action, tc.want, err)
			}
			if got != (overshoot.Answer{}) {
				t.Errorf("an answer came with the error: %+v", got)
			}
		})
	}
}

func TestMediaURLs(t *testing.T) {
	for want, got := range map[string]string{
		"ovs://streams/s1?frame_index=-1":                    overshoot.FrameURL("s1"),
		"ovs://streams/s1?start_offset_ms=-5000&max_fps=2":   overshoot.WindowURL("s1", 5*time.Second, 2),
		"ovs://streams/s1?start_offset_ms=-1500&max_fps=0.5": overshoot.WindowURL("s1", 1500*time.Millisecond, 0.5),
		"ovs://streams/s1?start_offset_ms=-3000":             overshoot.WindowURL("s1", 3*time.Second, 0),
		"ovs://streams/s1?start_offset_ms=-1":                overshoot.WindowURL("s1", time.Microsecond, -1),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
