package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

const chat = "/v1beta/chat/completions"

func imagePart(url string) string {
	return fmt.Sprintf(`{"type":"image_url","image_url":{"url":%q}}`, url)
}

func videoPart(url string) string {
	return fmt.Sprintf(`{"type":"video_url","video_url":{"url":%q}}`, url)
}

// ask makes a chat body: a system text, a user text and these parts, with more fields of the body at its end.
func ask(model string, more string, parts ...string) string {
	parts = append([]string{`{"type":"text","text":"what is there?"}`}, parts...)
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"system","content":"Answer."},{"role":"user","content":[%s]}]%s}`, model, strings.Join(parts, ","), more)
}

func (a answer) content() any { return a.at("choices.0.message.content") }

func TestAnswersComeFromThePictures(t *testing.T) {
	b := newBench(t, nil)
	id := b.create()
	for counter := 10; counter < 15; counter++ {
		b.media.Push(id, counter, 1)
	}
	frame := b.call(http.MethodPost, chat, ask(gemma, `,"max_tokens":64,"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,
		"schema":{"type":"object","properties":{"counter":{"type":"integer"},"camera":{"type":"integer"}},"required":["counter"]}}}`, imagePart("ovs://streams/"+id+"?frame_index=-2")))
	if frame.status != 200 || frame.content() != `{"camera":1,"counter":13}` || frame.at("choices.0.finish_reason") != "stop" || frame.json["model"] != gemma {
		t.Errorf("frame: %d %s", frame.status, frame.text)
	}
	if got := frame.at("usage.prompt_tokens"); got != 286.0 { // ceil((7+14)/4) + 280
		t.Errorf("frame: %v prompt tokens, want 286", got)
	}
	logged := b.last()
	if logged.Chat == nil || fmt.Sprint(logged.Chat.Counters) != "[13]" || logged.Chat.LiveCounter != 42 || logged.Stream != id ||
		logged.Chat.Content != `{"camera":1,"counter":13}` || logged.Chat.PromptChars != 21 {
		t.Errorf("logged: %+v %+v", logged, logged.Chat)
	}
	video := b.call(http.MethodPost, chat, ask(gemma, "", videoPart("ovs://streams/"+id+"?start_frame_index=1&max_fps=1e12")))
	if !strings.HasPrefix(fmt.Sprint(video.content()), "Frames 11 to 14 (4 pictures) of camera 1") {
		t.Errorf("video: %s", video.text)
	}
	text := b.call(http.MethodPost, chat, `{"model":"`+gemma+`","messages":[{"role":"user","content":"hello"}]}`)
	if text.status != 200 || text.content() != "There is no picture to look at." {
		t.Errorf("text only: %d %s", text.status, text.text)
	}
	short := b.call(http.MethodPost, chat, ask(gemma, `,"max_completion_tokens":2`, imagePart("ovs://streams/"+id+"?frame_index=-1")))
	if short.content() != "Frame 14" || short.at("choices.0.finish_reason") != "length" {
		t.Errorf("with a cap: %s", short.text)
	}
}

// A test that follows answers on their way has to tell them apart.
func TestEachAnswerCanHaveASerialNumber(t *testing.T) {
	b := newBench(t, nil)
	const format = `,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"serial":{"type":"integer"}}}}}`
	for _, want := range []string{`{"serial":1}`, `{"serial":2}`} {
		b.call(http.MethodPost, chat, ask("no/such", format))
		got := b.call(http.MethodPost, chat, ask(gemma, format)).content()
		if logged := b.last().Chat; got != want || logged.Content != want || fmt.Sprintf(`{"serial":%d}`, logged.Serial) != want {
			t.Errorf("got %v, logged %+v; want %s", got, logged, want)
		}
	}
}

// Every status of the chat endpoint, with its code and envelope.
func TestChatStatuses(t *testing.T) {
	const none = "0b9d4c1e-55f2-4d0e-8f0b-3f2a9c6e7710"
	bad := `{"model":"` + gemma + `","messages":[{"role":"user","content":[{"type":"audio"}]}]}`
	tests := []struct {
		name    string
		set     map[string]string
		body    string // ID stands for main's stream with frames 0-4
		headers []string
		status  int
		code    string // of the chat envelope, or E4/E5 for the validation envelopes, or the plain text
	}{
		{name: "no key", body: "{}", headers: []string{"Authorization", ""}, status: 401, code: "Invalid or missing API key"},
		{name: "broken body", body: "{", status: 422, code: "E4"},
		{name: "missing fields", body: "{}", status: 422, code: "E4"},
		{name: "unknown part", body: bad, status: 422, code: "E4"},
		{name: "bad cap", body: ask(gemma, `,"max_tokens":0`), status: 422, code: "E4"},
		{name: "unknown model", body: ask("no/such", ""), status: 404, code: "model_not_found"},
		{name: "unavailable model", set: map[string]string{switches.ModelsUnavailable: gemma}, body: ask(gemma, ""), status: 503, code: "model_unavailable"},
		{name: "wrong path", body: ask(gemma, "", imagePart("ovs://frames/ID?frame_index=-1")), status: 400, code: "stream_url_invalid"},
		{name: "two anchors", body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-1&offset_ms=1")), status: 400, code: "query_param_invalid"},
		{name: "two anchors, E4", set: map[string]string{switches.BadQuery: "422-validation"}, body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-1&offset_ms=1")), status: 422, code: "E4"},
		{name: "two anchors, E5", set: map[string]string{switches.BadQuery: "422-framework"}, body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-1&offset_ms=1")), status: 422, code: "E5"},
		{name: "segment as image", body: ask(gemma, "", imagePart("ovs://streams/ID?start_offset_ms=-5")), status: 400, code: "query_param_invalid"},
		{name: "not yet", body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=5")), status: 409, code: "frame_not_yet_produced"},
		{name: "not yet, 422", set: map[string]string{switches.FutureIndex: "422"}, body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=5")), status: 422, code: "E4"},
		{name: "evicted", body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-6")), status: 410, code: "frame_evicted"},
		{name: "evicted, clamped", set: map[string]string{switches.OldIndex: "clamp"}, body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-6")), status: 200},
		{name: "no frame in tolerance", body: ask(gemma, "", imagePart("ovs://streams/ID?timestamp_ms=99000")), status: 404, code: "segment_empty"},
		{name: "empty segment", body: ask(gemma, "", videoPart("ovs://streams/ID?start_timestamp_ms=99000")), status: 404, code: "segment_empty"},
		{name: "end before start", body: ask(gemma, "", videoPart("ovs://streams/ID?start_frame_index=3&end_frame_index=2")), status: 400, code: "segment_invalid"},
		{name: "unknown stream", body: ask(gemma, "", imagePart("ovs://streams/"+none+"?frame_index=-1")), status: 404, code: "stream_not_found"},
		{name: "another user's stream", body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-1")), headers: []string{"Authorization", "Bearer key-other"}, status: 403, code: "stream_unauthorized"},
		{name: "video for an image model", body: ask("gpt-5.4-mini", "", videoPart("ovs://streams/ID?start_offset_ms=-5")), status: 400, code: "model_video_unsupported"},
		{name: "image for an image model", body: ask("gpt-5.4-mini", "", imagePart("ovs://streams/ID?frame_index=-1")), status: 200},
		{name: "wrong region", body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-1")), headers: []string{"X-Overshoot-Region", "us-west1"}, status: 409, code: "E3"},
		{name: "wrong region, E2", set: map[string]string{switches.WrongRegion: "e2-for-chat"}, body: ask(gemma, "", imagePart("ovs://streams/ID?frame_index=-1")), headers: []string{"X-Overshoot-Region", "us-west1"}, status: 409, code: "region_error"},
		{name: "public HTTP media", body: ask(gemma, "", imagePart("https://example.test/cat.jpg")), status: 502, code: "upstream_request_failed"},
		{name: "broken data URL", body: ask(gemma, "", imagePart("data:image/jpeg;base64,AAAA")), status: 400, code: "query_param_invalid"},
		{name: "schema no model can fill", body: ask(gemma, `,"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"nonsense"}}}`), status: 400, code: "upstream_http_400"},
		{name: "fault 429", set: map[string]string{switches.ChatFaults: "429"}, body: ask(gemma, ""), status: 429, code: "rate_limited"},
		{name: "fault 500", set: map[string]string{switches.ChatFaults: "500"}, body: ask(gemma, ""), status: 500, code: "internal_error"},
		{name: "fault 502", set: map[string]string{switches.ChatFaults: "502"}, body: ask(gemma, ""), status: 502, code: "upstream_request_failed"},
		{name: "fault 503", set: map[string]string{switches.ChatFaults: "503"}, body: ask(gemma, ""), status: 503, code: "Service Unavailable"},
		{name: "fault 504", set: map[string]string{switches.ChatFaults: "504"}, body: ask(gemma, ""), status: 504, code: "upstream_timeout"},
		{name: "slow first byte", set: map[string]string{switches.ChatFaults: "slow-first-byte", switches.FaultDelayMS: "1"}, body: ask(gemma, ""), status: 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, nil)
			id := b.create()
			for counter := range 5 {
				b.media.Push(id, counter, 1)
			}
			b.set(test.set)
			a := b.call(http.MethodPost, chat, strings.ReplaceAll(test.body, "ID", id), test.headers...)
			if a.status != test.status || shape(a) != test.code {
				t.Errorf("got %d %s: %s", a.status, shape(a), a.text)
			}
		})
	}
}

// shape names the envelope of an error: its code where it has one.
func shape(a answer) string {
	switch {
	case a.json["error"] == "validation_error" && a.at("details.0.loc") != nil:
		return "E4"
	case a.at("detail.error") == "region_error":
		return "E3"
	case a.at("detail.0.loc") != nil:
		return "E5"
	default:
		return a.code()
	}
}

func TestChatOnStreamsThatAreNotThere(t *testing.T) {
	b := newBench(t, nil)
	empty, ended := b.create(), b.create()
	b.media.Push(ended, 1, 1)
	b.call(http.MethodDelete, "/v1beta/streams/"+ended, "")
	for id, code := range map[string]string{empty: "segment_empty", ended: "stream_not_found"} {
		if a := b.call(http.MethodPost, chat, ask(gemma, "", imagePart("ovs://streams/"+id+"?frame_index=-1"))); a.status != 404 || a.code() != code {
			t.Errorf("got %d %s, want 404 %s", a.status, a.text, code)
		}
	}
	west := b.create("X-Overshoot-Region", "us-west1")
	b.media.Push(empty, 1, 1)
	b.media.Push(west, 1, 2)
	a := b.call(http.MethodPost, chat, ask(gemma, "", imagePart("ovs://streams/"+empty+"?frame_index=-1"), imagePart("ovs://streams/"+west+"?frame_index=-1")))
	if a.status != 409 || a.code() != "multiple_regions" {
		t.Errorf("two regions: %d %s", a.status, a.text)
	}
}

func TestRateLimit(t *testing.T) {
	b := newBench(t, map[string]string{switches.RateLimitRPS: "2"})
	for range 100 { // the limit lets two through in each second that this takes
		a := b.call(http.MethodPost, chat, ask(gemma, ""))
		if a.header.Get("X-Ratelimit-Limit") != "2" || a.header.Get("X-Ratelimit-Reset") == "" {
			t.Fatalf("headers: %v", a.header)
		}
		if a.status == 429 {
			if a.header.Get("Retry-After") != "1" || a.header.Get("X-Ratelimit-Remaining") != "0" || a.at("detail.error.type") != "rate_limit_error" {
				t.Errorf("429: %v %s", a.header, a.text)
			}
			return
		}
	}
	t.Error("nothing was refused")
}

func TestChatIsChargedAndStopsAtZero(t *testing.T) {
	b := newBench(t, nil)
	cents := int64(1)
	if err := b.keys.Update("second", account.Change{BalanceMicrocents: &cents}); err != nil {
		t.Fatal(err)
	}
	if a := b.call(http.MethodPost, chat, ask(gemma, "")); a.status != 200 {
		t.Fatalf("first: %d %s", a.status, a.text)
	}
	if got := b.keys.Balance("alice"); got != 1-(6*11+8*44) { // ceil(21/4) in, ceil(31/4) out
		t.Errorf("balance %d", got)
	}
	if a := b.call(http.MethodPost, chat, ask(gemma, "")); a.status != 402 || a.code() != "billing_denied" {
		t.Errorf("second: %d %s", a.status, a.text)
	}
}

func TestPromptCache(t *testing.T) {
	b := newBench(t, nil)
	for i, want := range []struct {
		hit    bool
		cached float64
	}{{false, 0}, {true, 2}} {
		a := b.call(http.MethodPost, chat, ask(gemma, `,"thread_id":"gate-1"`))
		if a.at("overshoot.cache.cache_hit") != want.hit || a.at("overshoot.cache.cached_input_tokens") != want.cached || a.at("overshoot.cache.thread_id") != "gate-1" {
			t.Errorf("call %d: %s", i, a.text)
		}
	}
}

// events returns the chunks of a server-sent answer and whether its terminator came.
func events(t *testing.T, text string) (chunks []answer, done bool) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || done {
			t.Errorf("unexpected line %q", line)
		}
		if data == "[DONE]" {
			done = true
			continue
		}
		var chunk answer
		if err := json.Unmarshal([]byte(data), &chunk.json); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		chunks = append(chunks, chunk)
	}
	return chunks, done
}

func TestServerSentEvents(t *testing.T) {
	b := newBench(t, nil)
	id := b.create()
	b.media.Push(id, 7, 1)
	body := ask(gemma, `,"stream":true,"stream_options":{"include_usage":true}`, imagePart("ovs://streams/"+id+"?frame_index=-1"))
	a := b.call(http.MethodPost, chat, body)
	chunks, done := events(t, a.text)
	if !done || len(chunks) < 4 || a.header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %s", a.text)
	}
	text := ""
	for _, chunk := range chunks {
		piece, _ := chunk.at("choices.0.delta.content").(string)
		text += piece
	}
	if text != b.last().Chat.Content || !strings.HasPrefix(text, "Frame 7 of camera 1") {
		t.Errorf("pieces make %q", text)
	}
	last, before := chunks[len(chunks)-1], chunks[len(chunks)-2]
	if before.at("choices.0.finish_reason") != "stop" || last.at("usage.prompt_tokens") != 286.0 || last.at("choices.0") != nil || last.at("overshoot.cache.cache_hit") != false {
		t.Errorf("end: %v %v", before.json, last.json)
	}
	b.set(map[string]string{switches.ChatFaults: "cut-sse"})
	cut, done := events(t, b.call(http.MethodPost, chat, body).text)
	if done || len(cut) == 0 || len(cut) >= len(chunks) {
		t.Errorf("cut: %d chunks of %d, done %v", len(cut), len(chunks), done)
	}
}

func TestSpoiledAnswers(t *testing.T) {
	b := newBench(t, nil)
	for value, check := range map[string]func(answer) bool{
		"empty-choices": func(a answer) bool { return strings.Contains(a.text, `"choices":[]`) },
		"null-content":  func(a answer) bool { return strings.Contains(a.text, `"content":null`) },
		"not-json":      func(a answer) bool { return !json.Valid([]byte(fmt.Sprint(a.content()))) },
	} {
		b.set(map[string]string{switches.ChatFaults: value})
		if a := b.call(http.MethodPost, chat, ask(gemma, `,"response_format":{"type":"json_object"}`)); a.status != 200 || !check(a) {
			t.Errorf("%s: %d %s", value, a.status, a.text)
		}
	}
}

func TestPicturesInTheRequestAreRead(t *testing.T) {
	drawn := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	picture.Draw(drawn, 321, 4)
	var file bytes.Buffer
	if err := png.Encode(&file, drawn); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, nil)
	a := b.call(http.MethodPost, chat, ask(gemma, "", imagePart("data:image/png;base64,"+base64.StdEncoding.EncodeToString(file.Bytes()))))
	if !strings.HasPrefix(fmt.Sprint(a.content()), "Frame 321 of camera 4") {
		t.Errorf("got %s", a.text)
	}
	if media := b.last().Chat.Media; len(media) != 1 || len(media[0]) > 400 {
		t.Errorf("logged media: %v", media)
	}
}

// Fault rules match calls by the stream and the camera they are about, and use the fitting envelope.
func TestFaultRules(t *testing.T) {
	b := newBench(t, nil)
	id := b.create()
	b.media.Push(id, 1, 1)
	forEver := -1
	body := ask(gemma, "", imagePart("ovs://streams/"+id+"?frame_index=-1"))
	rule := b.faults.Add(fault.Rule{Op: "chat", Camera: "front-door", Status: 429, Headers: map[string]string{"Retry-After": "3600"}})
	if a := b.call(http.MethodPost, chat, body); a.status != 429 || a.at("detail.error.type") != "rate_limit_error" || a.header.Get("Retry-After") != "3600" || b.last().Fault != rule {
		t.Errorf("by camera: %d %s, logged %+v", a.status, a.text, b.last())
	}
	b.faults.Add(fault.Rule{Op: "keepalive", Stream: id, Status: 409, Times: &forEver})
	if a := b.call(http.MethodPost, "/v1beta/streams/"+id+"/keepalive", ""); a.status != 409 || a.at("detail.error") != "region_error" {
		t.Errorf("by stream: %d %s", a.status, a.text)
	}
	b.faults.Add(fault.Rule{Op: "create", Key: "main", Status: 500, AfterEffect: true})
	if a := b.call(http.MethodPost, "/v1beta/streams", ""); a.status != 500 || b.streams.MostSeen("main") != 2 || b.last().Stream == "" {
		t.Errorf("after the effect: %d, %d streams, logged %+v", a.status, b.streams.MostSeen("main"), b.last())
	}
	if a := b.call(http.MethodPost, chat, body); a.status != 200 {
		t.Errorf("afterwards: %d %s", a.status, a.text)
	}
}
