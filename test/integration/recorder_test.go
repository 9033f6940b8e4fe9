package integration

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A recorder stands between agent and service. It learns the tokens that are handed out, which nobody may ever see again, and notes what
// was really sent and what overlapped.
type recorder struct {
	url     string
	secrets *secrets

	mu       sync.Mutex
	asking   map[string]int // chats under way, by medium: that is one watch of one stream
	overlaps []string
	chats    []chatRequest
	deleted  map[string]bool // streams whose DELETE came
	late     []string        // what was asked of them afterwards
	room     string          // what the address of the media server is replaced by, unless empty
}

var roomAddress = regexp.MustCompile(`ws://127\.0\.0\.1:[0-9]+`)

// A chatRequest is what a chat call asked for.
type chatRequest struct {
	Model          string
	MaxTokens      *int            `json:"max_tokens"`
	ResponseFormat json.RawMessage `json:"response_format"`

	medium string
}

func startRecorder(t *testing.T, target *url.URL, s *secrets) *recorder {
	r := &recorder{secrets: s, asking: map[string]int{}, deleted: map[string]bool{}}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(target) },
		ModifyResponse: r.learn,
		FlushInterval:  -1, // an answer that comes in drops goes on in drops
		// The agent went away, or the simulator hung up, and so do we.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0), // answers that end early are what some tests are about
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		switch {
		case strings.HasSuffix(request.URL.Path, "/chat/completions"):
			defer r.chat(request)()
		case request.Method == http.MethodDelete:
			r.delete(request.URL.Path)
		}
		proxy.ServeHTTP(w, request)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// chat notes the question, and that it is under way until the returned function is called.
func (r *recorder) chat(request *http.Request) (done func()) {
	body, _ := io.ReadAll(request.Body) // what is missing the simulator will refuse
	request.Body = io.NopCloser(bytes.NewReader(body))
	asked := chatRequest{medium: medium(body)}
	_ = json.Unmarshal(body, &asked)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.chats = append(r.chats, asked)
	if r.asking[asked.medium]++; r.asking[asked.medium] > 1 {
		r.overlaps = append(r.overlaps, asked.medium)
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asking[asked.medium]--
		// Whoever hangs up does not ask any more, though the news of it may take longer than the DELETE that follows.
		if r.deleted[streamOf(asked.medium)] && request.Context().Err() == nil {
			r.late = append(r.late, asked.medium)
		}
	}
}

// medium is the ovs:// reference in a chat request.
func medium(body []byte) string {
	_, rest, _ := bytes.Cut(bytes.ReplaceAll(body, []byte(`\u0026`), []byte("&")), []byte(`"ovs://`))
	reference, _, _ := bytes.Cut(rest, []byte(`"`))
	return "ovs://" + string(reference)
}

func streamOf(medium string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(medium, "ovs://streams/"), "?")
	return id
}

func (r *recorder) delete(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deleted[path[strings.LastIndexByte(path, '/')+1:]] = true
}

// learn keeps the tokens in an answer.
func (r *recorder) learn(response *http.Response) error {
	r.mu.Lock()
	room := r.room
	r.mu.Unlock()
	if room == "" {
		response.Body = &learner{ReadCloser: response.Body, secrets: r.secrets}
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	body = roomAddress.ReplaceAll(body, []byte(room))
	response.ContentLength = int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	response.Body = io.NopCloser(bytes.NewReader(body))
	r.secrets.add(jwt.FindAllString(string(body), -1)...)
	return nil
}

// A learner is the body of an answer that passes on its way to the agent. Tokens come early in it.
type learner struct {
	io.ReadCloser
	secrets *secrets
	passed  []byte
}

func (l *learner) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if len(l.passed) < 64<<10 {
		l.passed = append(l.passed, p[:n]...)
	}
	return n, err
}

func (l *learner) Close() error {
	l.secrets.add(jwt.FindAllString(string(l.passed), -1)...)
	return l.ReadCloser.Close()
}

// moveRoom gives out another address for the media server from now on.
func (r *recorder) moveRoom(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.room = address
}

// check fails the test when questions overlapped or came for a stream that was being deleted.
func (r *recorder) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.overlaps) > 0 {
		t.Errorf("questions of one watch overlapped: %v", r.overlaps)
	}
	if len(r.late) > 0 {
		t.Errorf("asked after, or during, the DELETE of the stream: %v", r.late)
	}
}

func (r *recorder) questions() []chatRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]chatRequest(nil), r.chats...)
}
