package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap/zaptest"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/api"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream/streamtest"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// A bench is an API over rooms without LiveKit, with the keys main and second of alice, other of bob and homeless of nobody.
type bench struct {
	t        *testing.T
	url      string // root of the host
	media    *streamtest.Media
	switches *switches.Set
	keys     *account.Book
	faults   *fault.Book
	calls    *calllog.Log
	streams  *stream.Registry
}

// noCameras are cameras of which number 1 is called front-door and stands at counter 42.
type noCameras struct{}

func (noCameras) Live() map[int]int { return map[int]int{1: 42} }
func (noCameras) Name(number int) string {
	return map[int]string{1: "front-door"}[number]
}

func newBench(t *testing.T, set map[string]string) *bench {
	t.Helper()
	b := &bench{t: t, media: &streamtest.Media{}, switches: switches.New(), faults: &fault.Book{}, calls: &calllog.Log{}}
	b.set(map[string]string{switches.ChatLatencyMS: "0", switches.RateLimitRPS: "0"})
	b.set(set)
	var err error
	b.keys, err = account.NewBook(
		account.Key{Name: "main", Value: "key-main", User: "alice"}, account.Key{Name: "second", Value: "key-second", User: "alice"},
		account.Key{Name: "other", Value: "key-other", User: "bob"}, account.Key{Name: "homeless", Value: "key-homeless"},
	)
	if err != nil {
		t.Fatal(err)
	}
	b.streams = stream.NewRegistry(b.media, b.switches, zaptest.NewLogger(t))
	t.Cleanup(b.streams.Close)
	server := httptest.NewServer(api.New(api.Options{
		Keys: b.keys, Streams: b.streams, Switches: b.switches, Faults: b.faults, Calls: b.calls,
		Cameras: noCameras{}, Ready: func() bool { return true }, Log: zaptest.NewLogger(t),
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bench) set(values map[string]string) {
	b.t.Helper()
	if err := b.switches.SetAll(values); err != nil {
		b.t.Fatal(err)
	}
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	json   map[string]any // nil where the body is no object
}

// call sends a request with main's key, unless headers (name, value, …) say otherwise.
func (b *bench) call(method, path, body string, headers ...string) answer {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer key-main")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.json)
	return a
}

// at returns the value at a path of keys and indices, such as "detail.error.code".
func (a answer) at(path string) any {
	var value any = a.json
	for step := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			if len(v) == 0 || step != "0" {
				return nil
			}
			value = v[0]
		default:
			return nil
		}
	}
	return value
}

// code returns the error code of the chat envelope, or the plain detail.
func (a answer) code() string {
	if code, ok := a.at("detail.error.code").(string); ok {
		return code
	}
	detail, _ := a.json["detail"].(string)
	return detail
}

// create makes a stream and returns its id.
func (b *bench) create(headers ...string) string {
	b.t.Helper()
	a := b.call(http.MethodPost, "/v1beta/streams", "", headers...)
	id, _ := a.json["id"].(string)
	if a.status != http.StatusCreated || id == "" {
		b.t.Fatalf("create: %d %s", a.status, a.text)
	}
	return id
}

// last returns the last call of the log.
func (b *bench) last() calllog.Entry {
	b.t.Helper()
	all := b.calls.Since(b.calls.Total() - 1)
	if len(all) != 1 {
		b.t.Fatalf("%d calls at the end of the log", len(all))
	}
	return all[0]
}
