package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/model"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/ovs"
)

// chatRequest is the body of a chat completion, as far as it matters here; unknown fields are accepted.
type chatRequest struct {
	Model               string          `json:"model"`
	Messages            []chatMessage   `json:"messages"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	MaxTokens           *int            `json:"max_tokens"`
	ResponseFormat      *responseFormat `json:"response_format"`
	Stream              bool            `json:"stream"`
	StreamOptions       struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	ThreadID *string `json:"thread_id"`
}

type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`

	parts []chatPart // what Content holds; a string is one text part
}

type chatPart struct {
	Type  string   `json:"type"`
	Text  string   `json:"text"`
	Image mediaURL `json:"image_url"`
	Video mediaURL `json:"video_url"`
}

type mediaURL struct {
	URL string `json:"url"`
}

type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

// A reference is one picture or video that a chat is about.
type reference struct {
	url   string
	video bool
}

// decodeChat reads the body of a chat completion. The request is never nil; where there are problems it holds what could be read.
func decodeChat(body []byte) (*chatRequest, []problem) {
	request := &chatRequest{}
	if err := json.Unmarshal(body, request); err != nil {
		return request, []problem{{[]any{"body"}, "the body is not a chat request: " + err.Error(), "json_invalid"}}
	}
	var problems []problem
	if request.Model == "" {
		problems = append(problems, problem{[]any{"body", "model"}, "field required", "missing"})
	}
	if len(request.Messages) == 0 {
		problems = append(problems, problem{[]any{"body", "messages"}, "field required", "missing"})
	}
	if request.cap() < 0 {
		problems = append(problems, problem{[]any{"body", "max_completion_tokens"}, "must be positive", "greater_than"})
	}
	if format := request.ResponseFormat; format != nil && !slices.Contains([]string{"text", "json_object", "json_schema"}, format.Type) {
		problems = append(problems, problem{[]any{"body", "response_format", "type"}, "unknown type", "enum"})
	}
	for i := range request.Messages {
		problems = append(problems, request.Messages[i].decode([]any{"body", "messages", i})...)
	}
	return request, problems
}

// decode reads the message's content into parts.
func (m *chatMessage) decode(at []any) []problem {
	if !slices.Contains([]string{"system", "user", "assistant", "tool"}, m.Role) {
		return []problem{{append(at, "role"), "must be system, user, assistant or tool", "enum"}}
	}
	var text string
	switch {
	case len(m.Content) == 0 || string(m.Content) == "null": // an assistant that only called tools
		return nil
	case json.Unmarshal(m.Content, &text) == nil:
		m.parts = []chatPart{{Type: "text", Text: text}}
		return nil
	case json.Unmarshal(m.Content, &m.parts) != nil:
		return []problem{{append(at, "content"), "must be a string or a list of parts", "type_error"}}
	}
	var problems []problem
	for i, part := range m.parts {
		where := append(slices.Clone(at), "content", i)
		switch {
		case !slices.Contains([]string{"text", "image_url", "video_url"}, part.Type):
			problems = append(problems, problem{append(where, "type"), "must be text, image_url or video_url", "enum"})
		case part.Type != "text" && part.url() == "":
			problems = append(problems, problem{append(where, part.Type, "url"), "field required", "missing"})
		}
	}
	return problems
}

func (p chatPart) url() string {
	if p.Type == "video_url" {
		return p.Video.URL
	}
	return p.Image.URL
}

// cap returns the greatest number of tokens of the answer; 0 where none is given, -1 where it is no positive number.
func (r *chatRequest) cap() int {
	for _, given := range []*int{r.MaxCompletionTokens, r.MaxTokens} {
		if given != nil && *given <= 0 {
			return -1
		}
		if given != nil {
			return *given
		}
	}
	return 0
}

// text returns all text of the messages that want accepts by their role.
func (r *chatRequest) text(want func(role string) bool) string {
	var b strings.Builder
	for _, message := range r.Messages {
		for _, part := range message.parts {
			if part.Type == "text" && want(message.Role) {
				b.WriteString(part.Text)
			}
		}
	}
	return b.String()
}

func anyRole(string) bool         { return true }
func systemRole(role string) bool { return role == "system" }

// media returns all pictures and videos in the order of the messages.
func (r *chatRequest) media() []reference {
	var found []reference
	for _, message := range r.Messages {
		for _, part := range message.parts {
			if part.Type == "image_url" || part.Type == "video_url" {
				found = append(found, reference{part.url(), part.Type == "video_url"})
			}
		}
	}
	return found
}

// streams returns the ids of the streams that the media name, as far as they can be read.
func (r *chatRequest) streams() []string {
	var ids []string
	for _, media := range r.media() {
		if rest, ok := strings.CutPrefix(media.url, ovs.Scheme+"streams/"); ok {
			id, _, _ := strings.Cut(rest, "?")
			ids = append(ids, id)
		}
	}
	return ids
}

// format returns the shape that the answer must have.
func (r *chatRequest) format() model.Format {
	switch {
	case r.ResponseFormat == nil || r.ResponseFormat.Type == "text":
		return model.Format{}
	case r.ResponseFormat.Type == "json_object":
		return model.Format{JSON: true}
	default:
		return model.Format{JSON: true, Schema: r.ResponseFormat.JSONSchema.Schema}
	}
}

// forLog returns what the call log says of the request.
func (r *chatRequest) forLog() *calllog.Chat {
	const longest = 300 // data: URLs hold whole pictures
	logged := &calllog.Chat{
		Model: r.Model, Media: []string{}, Counters: []int{}, LiveCounter: -1,
		PromptChars: len([]rune(r.text(anyRole))),
	}
	for _, media := range r.media() {
		url := media.url
		if len(url) > longest {
			url = fmt.Sprintf("%s… (%d bytes)", url[:longest], len(url))
		}
		logged.Media = append(logged.Media, url)
	}
	return logged
}
