package webhook_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// posted returns what a receiver gets for a result, as JSON.
func posted(t *testing.T, r *receiver, settings string, res result.Result) (request, map[string]any) {
	t.Helper()
	deliver(t, open(t, "url: "+r.URL+settings), res)
	all := r.requests()
	got := all[len(all)-1]
	if media := got.Header.Get("Content-Type"); media != "application/json" || got.Method != "POST" {
		t.Errorf("%s as %q", got.Method, media)
	}
	return got, object(t, got.body)
}

func TestPresets(t *testing.T) {
	r := listen(t, nil)
	res := answerOf("id-1", `{"people":2,"note":"<!channel> & @everyone"}`)
	for settings, want := range map[string]struct{ path, body string }{
		"/services/T/B/X\npreset: slack": {
			"/services/T/B/X", `{"text":"*door: people*\nnote: &lt;!channel&gt; &amp; @everyone, people: 2"}`,
		},
		"/api/webhooks/1/x?wait=true\npreset: discord": {
			"/api/webhooks/1/x?wait=true",
			`{"content":"**door: people**\nnote: <!channel> & @everyone, people: 2","allowed_mentions":{"parse":[]}}`,
		},
		"/my-topic\npreset: ntfy":       {"/", `{"topic":"my-topic","title":"door: people","message":"note: <!channel> & @everyone, people: 2"}`},
		"/below/my-topic\npreset: ntfy": {"/below/", `{"topic":"my-topic","title":"door: people","message":"note: <!channel> & @everyone, people: 2"}`},
		"/api/webhook/x\npreset: generic": {
			"/api/webhook/x",
			`{"title":"door: people","message":"note: <!channel> & @everyone, people: 2","id":"id-1","time":"2026-11-22T13:37:00.123Z","agent":"pi",` +
				`"camera":"door","watch":"people","labels":{"site":"hq"},"ok":true,"result":{"people":2,"note":"<!channel> & @everyone"},"error":""}`,
		},
	} {
		got, _ := posted(t, r, settings, res)
		if got.body != want.body || got.RequestURI != want.path {
			t.Errorf("%s\n got %s %s\nwant %s %s", settings, got.RequestURI, got.body, want.path, want.body)
		}
	}
}

func TestMessagesForPeople(t *testing.T) {
	r := listen(t, nil)
	failed := answerOf("1", "")
	failed.OK, failed.Error = false, "no JSON"
	torn := answerOf("1", `"{\"people\":"`)
	torn.OK, torn.Error = false, "no JSON"
	for want, res := range map[string]result.Result{
		"two people":            answerOf("1", `"two people"`),
		"3":                     answerOf("1", "3"),
		"true":                  answerOf("1", "true"),
		`["a","b"]`:             answerOf("1", `["a","b"]`),
		"a: b: 1, c: x, d: [1]": answerOf("1", `{"d":[1],"a":{"b":1},"c":"x"}`),
		"{}":                    answerOf("1", "{}"),
		"no answer: no JSON":    failed,
		"not the answer that was asked for: no JSON\n{\"people\":": torn,
	} {
		if _, got := posted(t, r, "\npreset: generic", res); got["message"] != want {
			t.Errorf("got %q, want %q", got["message"], want)
		}
	}
}

// texts are answers that want to be more than text.
var texts = []string{
	`"`, `\`, `\u0000`, "\x00", "\n", "</script>", "<!channel>", "<@U1>", "@everyone", `", "x": "`, "{{json .}}", "${TOKEN}", "\u2028", "\xff\xfe", "𝄞", "`", "%s%n",
}

func TestTextsStayTextsInEveryPreset(t *testing.T) {
	r := listen(t, nil)
	for _, text := range append(texts, strings.Join(texts, ""), strings.Repeat("ü", 10_000), strings.Repeat("<", 10_000)) {
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		res := answerOf("1", string(raw))
		var plain string // as JSON can carry it
		if err := json.Unmarshal(raw, &plain); err != nil {
			t.Fatal(err)
		}
		if _, got := posted(t, r, "\npreset: generic", res); got["message"] != plain || got["result"] != plain {
			t.Errorf("generic: got %q for %q", got["message"], plain)
		}
		_, slack := posted(t, r, "\npreset: slack", res)
		words, _ := strings.CutPrefix(slack["text"].(string), "*door: people*\n")
		back := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(words)
		if strings.ContainsAny(words, "<>") || !begins(plain, back, 3000) {
			t.Errorf("slack: %.60q became %.60q", plain, words)
		}
		_, discord := posted(t, r, "\npreset: discord", res)
		words, _ = strings.CutPrefix(discord["content"].(string), "**door: people**\n")
		if !begins(plain, words, 1800) || utf8.RuneCountInString(discord["content"].(string)) > 2000 {
			t.Errorf("discord: %.60q became %.60q", plain, words)
		}
		if allowed := discord["allowed_mentions"]; !reflect.DeepEqual(allowed, map[string]any{"parse": []any{}}) {
			t.Errorf("discord may call %v", allowed)
		}
		_, ntfy := posted(t, r, "/topic\npreset: ntfy", res)
		if words := ntfy["message"].(string); !begins(plain, words, 1000) || len(words) > 4096 || ntfy["topic"] != "topic" {
			t.Errorf("ntfy: %.60q became %.60q", plain, words)
		}
	}
}

// begins reports whether short is the text, or where that is longer, its first characters with an ellipsis.
func begins(text, short string, length int) bool {
	if utf8.RuneCountInString(text) <= length {
		return text == short
	}
	start, cut := strings.CutSuffix(short, "…")
	return cut && strings.HasPrefix(text, start) && utf8.RuneCountInString(short) == length
}
