package overshoot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ChatRequest is one question about one stream. Model, Prompt and MaxTokens are
// required; the service never caps the length of an answer by itself, so we do.
type ChatRequest struct {
	Model       string
	System      string // fixed instructions; "" for none
	Prompt      string
	Media       Media
	MaxTokens   int
	Temperature *float64 // nil: the model's default

	// Schema is the JSON Schema that the answer has to obey, nil for free text.
	// SchemaName labels it for the model; "" means "answer".
	Schema     json.RawMessage
	SchemaName string

	// ThreadID ties related questions to one prompt cache: one per camera, watch
	// and stream. "" for none.
	ThreadID string
}

// Media is what a question looks at: a picture, a piece of video, or neither. See
// [FrameURL] and [WindowURL].
type Media struct {
	ImageURL string
	VideoURL string
}

// Answer is what a model said. Content is never empty.
type Answer struct {
	ID           string
	Model        string // that answered
	Content      string // as sent: with a schema, JSON text that the caller has to check
	FinishReason string // stop, length, ...; "" when not said
	Region       string // where the stream lives, may be ""
	Usage        Usage
	CacheHit     bool
}

// Usage counts tokens, 0 where the service did not say. Prompt includes the tokens
// of pictures, and Cached is the part of it that was found in the prompt cache.
type Usage struct {
	Prompt, Completion, Total, Cached int64
}

// Chat asks one question and waits for the whole answer. Each call is billed. An
// answer without content is an error of [KindMalformed], never an empty Answer.
func (c *Client) Chat(ctx context.Context, region string, ask ChatRequest) (Answer, error) {
	body, err := encodeChat(ask)
	if err != nil {
		return Answer{}, &Error{Op: OpChat, Message: clean(err.Error()), kind: KindInvalid, unsent: true}
	}
	var answer Answer
	req := request{
		op: OpChat, method: http.MethodPost, url: c.api + "/chat/completions",
		body: body, region: region, model: ask.Model, timeout: c.chatTimeout,
	}
	err = c.do(ctx, req, func(r reply) (err error) {
		answer, err = decodeAnswer(r)
		return err
	})
	return answer, err
}

type chatBody struct {
	Model          string          `json:"model"`
	Messages       []message       `json:"messages"`
	MaxTokens      int             `json:"max_tokens"`
	Temperature    *float64        `json:"temperature,omitempty"`
	ResponseFormat *responseFormat `json:"response_format,omitempty"`
	ThreadID       string          `json:"thread_id,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content any    `json:"content"` // string or []part
}

type part struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	ImageURL *mediaURL `json:"image_url,omitempty"`
	VideoURL *mediaURL `json:"video_url,omitempty"`
}

type mediaURL struct {
	URL string `json:"url"`
}

type responseFormat struct {
	Type       string     `json:"type"`
	JSONSchema jsonSchema `json:"json_schema"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict bool            `json:"strict"`
}

// encodeChat writes the request of the chat completions call: fixed text first and
// the picture last, which is the order that prompt caches reward.
func encodeChat(ask ChatRequest) ([]byte, error) {
	switch {
	case ask.Model == "":
		return nil, errors.New("the question names no model")
	case ask.Prompt == "":
		return nil, errors.New("the question has no prompt")
	case ask.MaxTokens <= 0:
		return nil, errors.New("the question has no limit on tokens")
	case ask.Media.ImageURL != "" && ask.Media.VideoURL != "":
		return nil, errors.New("the question has both a picture and a video")
	}
	body := chatBody{
		Model: ask.Model, MaxTokens: ask.MaxTokens, Temperature: ask.Temperature, ThreadID: ask.ThreadID,
	}
	if ask.System != "" {
		body.Messages = append(body.Messages, message{Role: "system", Content: ask.System})
	}
	body.Messages = append(body.Messages, message{Role: "user", Content: userParts(ask)})
	if len(ask.Schema) > 0 {
		body.ResponseFormat = &responseFormat{Type: "json_schema", JSONSchema: jsonSchema{
			Name: schemaName(ask.SchemaName), Schema: ask.Schema, Strict: true,
		}}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("the question cannot be written as JSON: %w", err)
	}
	return text, nil
}

func userParts(ask ChatRequest) []part {
	parts := []part{{Type: "text", Text: ask.Prompt}}
	switch {
	case ask.Media.ImageURL != "":
		parts = append(parts, part{Type: "image_url", ImageURL: &mediaURL{URL: ask.Media.ImageURL}})
	case ask.Media.VideoURL != "":
		parts = append(parts, part{Type: "video_url", VideoURL: &mediaURL{URL: ask.Media.VideoURL}})
	}
	return parts
}

// schemaName keeps to the letters that providers take in the name of a schema.
func schemaName(name string) string {
	name = strings.Map(func(r rune) rune {
		if isWordRune(r) {
			return r
		}
		return '_'
	}, cmp.Or(name, "answer"))
	return name[:min(len(name), 64)]
}

type answerBody struct {
	ID      optional[string] `json:"id"`
	Model   optional[string] `json:"model"`
	Choices []struct {
		Message struct {
			Content *string `json:"content"`
		} `json:"message"`
		FinishReason optional[string] `json:"finish_reason"`
	} `json:"choices"`
	Usage optional[struct {
		Prompt     optional[float64] `json:"prompt_tokens"`
		Completion optional[float64] `json:"completion_tokens"`
		Total      optional[float64] `json:"total_tokens"`
	}] `json:"usage"`
	Overshoot optional[struct {
		Cache optional[struct {
			Hit    optional[bool]    `json:"cache_hit"`
			Cached optional[float64] `json:"cached_input_tokens"`
		}] `json:"cache"`
	}] `json:"overshoot"`
}

func decodeAnswer(r reply) (Answer, error) {
	var body answerBody
	if err := json.Unmarshal(r.body, &body); err != nil {
		return Answer{}, err
	}
	if len(body.Choices) == 0 {
		return Answer{}, errors.New("the answer has no choices")
	}
	choice := body.Choices[0]
	finish := clean(choice.FinishReason.value)
	if choice.Message.Content == nil || strings.TrimSpace(*choice.Message.Content) == "" {
		return Answer{}, &Error{Code: finish, Message: "the answer has no content"}
	}
	usage, cache := body.Usage.value, body.Overshoot.value.Cache.value
	return Answer{
		ID:           clean(body.ID.value),
		Model:        clean(body.Model.value),
		Content:      *choice.Message.Content,
		FinishReason: finish,
		Region:       r.region,
		CacheHit:     cache.Hit.value,
		Usage: Usage{
			Prompt:     integer(usage.Prompt, 0),
			Completion: integer(usage.Completion, 0),
			Total:      integer(usage.Total, 0),
			Cached:     integer(cache.Cached, 0),
		},
	}, nil
}
