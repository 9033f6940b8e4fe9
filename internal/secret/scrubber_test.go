package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestScrubShapes(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW0ifQ.c2lnbmF0dXJl-_x"
	tests := []struct{ name, text, want string }{
		{"token of LiveKit", "dial wss://lk/rtc?access_token=" + jwt + "&v=1: refused", "dial wss://lk/rtc?access_token=<secret>&v=1: refused"},
		{"token alone", "bad token " + jwt + ".", "bad token <secret>."},
		{"cut token", "bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOi", "bad token <secret>"},
		{"key with hyphen", `{"api_key":"ovs-12ab34cd"}`, `{"api_key":"<secret>"}`},
		{"key with underscore", "key=ovs_12ab34cd refused", "key=<secret> refused"},
		{"stream URL is no key", "ovs://streams/7d1f?frame_index=-1", "ovs://streams/7d1f?frame_index=-1"},
		{"URL with password", "open rtsp://admin:pw@10.0.0.1:554/s: timeout", "open rtsp://<secret>@10.0.0.1:554/s: timeout"},
		{"URL with user only", "open https://token123@host/s", "open https://<secret>@host/s"},
		{"raw special characters", `open "rtsp://admin:a/b#c?d@e:f@10.0.0.1/s"`, `open "rtsp://<secret>@10.0.0.1/s"`},
		{"IPv6 host", "rtsp://admin:pw@[fe80::1]/s", "rtsp://<secret>@[fe80::1]/s"},
		{"URL without password", "open rtsp://10.0.0.1:554/s: timeout", "open rtsp://10.0.0.1:554/s: timeout"},
		{"bearer", "Authorization: Bearer abcdef123456", "Authorization: Bearer <secret>"},
		{"bearer in Go's header", "map[Authorization:[Bearer abcdef123456]]", "map[Authorization:[Bearer <secret>]]"},
		{"basic", `"Authorization": "Basic YWRtaW46cHc="`, `"Authorization": "Basic <secret>"`},
		{"settings of programs", "srt://h:9?passphrase=x1&mode=caller?auth=x2 pass=x3", "srt://h:9?passphrase=<secret>&mode=caller?auth=<secret> pass=<secret>"},
		{"query parameters", "http://cam/cgi?user=a&pwd=x1&Password=x2&token=x3&fps=5", "http://cam/cgi?user=a&pwd=<secret>&Password=<secret>&token=<secret>&fps=5"},
		{"underscore in front", "rtsp://cam/user=admin_password=x1", "rtsp://cam/user=admin_password=<secret>"},
		{"two in one line", "pwd=a pwd=b", "pwd=<secret> pwd=<secret>"},
		{"ordinary words", "the token is expired, wrong password, a@b.example", "the token is expired, wrong password, a@b.example"},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s secret.Scrubber
			if got := s.Scrub(test.text); got != test.want {
				t.Errorf("Scrub(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
		})
	}
}

// spelling is a text in which a secret stands as inside.
type spelling struct{ before, inside, after string }

func (s spelling) text() string { return s.before + s.inside + s.after }

// spellings are the ways in which our own code and our libraries write texts.
func spellings(value string) map[string]spelling {
	unquoted := func(text string) string { return text[1 : len(text)-1] }
	inJSON := func(text string) string {
		body, err := json.Marshal(text)
		if err != nil {
			panic(err)
		}
		return unquoted(string(body))
	}
	var zapLine bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}), zapcore.AddSync(&zapLine), zap.DebugLevel)
	zap.New(core).Info(value)
	inZap := strings.TrimSuffix(strings.TrimPrefix(zapLine.String(), `{"m":"`), "\"}\n")
	userinfo := strings.TrimPrefix(url.UserPassword("u", value).String(), "u:")
	loginBase64 := base64.StdEncoding.EncodeToString([]byte("root:" + value + "!!"))
	return map[string]spelling{
		"raw":        {"x", value, "x"},
		"json":       {`{"a":"`, inJSON(value), `"}`},
		"zap":        {`{"m":"`, inZap, "\"}\n"},
		"%q":         {`open "`, unquoted(strconv.Quote(value)), `": EOF`},
		"query":      {"http://h/?a=", url.QueryEscape(value), "&b=1"},
		"path":       {"http://h/", url.PathEscape(value), "/x"},
		"userinfo":   {"u:", userinfo, ";"},
		"json of %q": {`{"a":"open \"`, inJSON(unquoted(strconv.Quote(value))), `\"}`},
		"base64":     {"", base64.StdEncoding.EncodeToString([]byte(value)), ""},
		"base64url":  {"", base64.RawURLEncoding.EncodeToString([]byte(value)), ""},
		// What is left and right of the middle is mixed with its neighbours.
		"in base64": {loginBase64[:7], loginBase64[7 : len(loginBase64)-4], loginBase64[len(loginBase64)-4:]},
	}
}

func TestScrubKnowsEverySpelling(t *testing.T) {
	for _, value := range []string{"hunter2-hunter2", `q"uo\te<&>+ /?#@:%41`, "ümläut-пароль", "new\nline\ttab\x01ctrl"} {
		var s secret.Scrubber
		s.Add(secret.New(value))
		for name, spelled := range spellings(value) {
			got := s.Scrub(spelled.text())
			if strings.Contains(got, spelled.inside) || !strings.Contains(got, secret.Placeholder) {
				t.Errorf("%q as %s became %s", value, name, got)
			}
		}
	}
}

func TestScrubOverlapsAndNeighbours(t *testing.T) {
	var s secret.Scrubber
	s.Add(secret.New("abcdef"), secret.New("defghi"), secret.New("aXaXa"))
	tests := []struct{ text, want string }{
		{"-abcdefghi-", "-<secret>-"},
		{"abcdefabcdef", "<secret>"},
		{"abcdef", "<secret>"},
		{"aXaXaXa!", "<secret>!"},
		{"abcde", "abcde"},
	}
	for _, test := range tests {
		if got := s.Scrub(test.text); got != test.want {
			t.Errorf("Scrub(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestShortSecretsAreNotLookedFor(t *testing.T) {
	var s secret.Scrubber
	s.Add(secret.New("a"), secret.New("abc"), secret.Secret{})
	if got := s.Scrub("abc a b c"); got != "abc a b c" {
		t.Errorf("Scrub() = %q", got)
	}
}

type timeoutError struct{ url string }

func (e timeoutError) Error() string { return "timeout of " + e.url }

func TestScrubbedErrorsKeepTheirNature(t *testing.T) {
	var s secret.Scrubber
	if s.Error(nil) != nil {
		t.Error("nil became an error")
	}
	plain := errors.New("nothing to hide")
	if s.Error(plain) != plain {
		t.Error("an error without secrets was wrapped")
	}
	err := s.Error(fmt.Errorf("camera: %w", errors.Join(timeoutError{"rtsp://u:canary@h/"}, io.EOF)))
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		if text := fmt.Sprintf(verb, err); strings.Contains(text, "canary") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Error("errors.Is does not see io.EOF")
	}
	if _, ok := errors.AsType[timeoutError](err); !ok {
		t.Error("errors.As does not see the timeout")
	}
}

// countingWriter remembers the single writes, and fails on demand.
type countingWriter struct {
	writes []string
	err    error
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

func TestWriterScrubsEachWrite(t *testing.T) {
	var s secret.Scrubber
	s.Add(secret.New("hunter2"))
	next := &countingWriter{}
	w := s.Writer(next)
	for _, text := range []string{"first\n", "my hunter2 is long\n"} {
		if n, err := io.WriteString(w, text); n != len(text) || err != nil {
			t.Errorf("Write = %d, %v, want %d", n, err, len(text))
		}
	}
	if got := strings.Join(next.writes, "|"); got != "first\n|my <secret> is long\n" {
		t.Errorf("written: %q", got)
	}
	next.err = io.ErrShortWrite
	if _, err := io.WriteString(w, "hunter2"); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("the error of the writer below got lost: %v", err)
	}
}

func TestScrubberFromManyGoroutines(t *testing.T) {
	var s secret.Scrubber
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			value := fmt.Sprintf("password-%d", i)
			s.Add(secret.New(value))
			if got := s.Scrub("my " + value); strings.Contains(got, value) {
				t.Errorf("%s is not known after Add", value)
			}
		})
	}
	group.Wait()
	for i := range 8 {
		if got := s.Scrub(fmt.Sprintf("password-%d", i)); got != secret.Placeholder {
			t.Errorf("password-%d got lost: %s", i, got)
		}
	}
}

func TestScrubWithoutSecretsDoesNotAllocate(t *testing.T) {
	var s secret.Scrubber
	s.Add(secret.New("hunter2-hunter2"))
	line := `{"level":"info","msg":"publishing","camera":"front-door","url":"rtsp://10.0.0.1:554/s","fps":30}`
	if allocs := testing.AllocsPerRun(100, func() { s.Scrub(line) }); allocs != 0 {
		t.Errorf("%v allocations for a line without secrets", allocs)
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("hunter2", "pre ", " post")
	f.Add(`a"b\c`, "rtsp://u:", "@host/")
	f.Add("aaaa", "aaa", "a")
	f.Add("secret", "<", ">")
	f.Fuzz(func(t *testing.T, value, before, after string) {
		if len([]rune(value)) < 4 {
			return
		}
		var s secret.Scrubber
		s.Add(secret.New(value))
		for name, spelled := range spellings(value) {
			got := s.Scrub(before + spelled.text() + after)
			// The placeholder itself may look like a part of the secret.
			if slices.ContainsFunc(strings.Split(got, secret.Placeholder), func(part string) bool { return strings.Contains(part, value) }) {
				t.Errorf("%q as %s in %q left %q", value, name, spelled.text(), got)
			}
		}
	})
}

func FuzzSplitUserinfo(f *testing.F) {
	f.Add("admin", "p@ss/w?rd#", "10.0.0.1:554/s")
	f.Fuzz(func(t *testing.T, username, password, rest string) {
		clean, _, got := secret.SplitUserinfo("rtsp://" + url.UserPassword(username, password).String() + "@host/" + url.PathEscape(rest))
		if got.Reveal() != password || clean != "rtsp://host/"+url.PathEscape(rest) {
			t.Errorf("password %q became %q, URL %q", password, got.Reveal(), clean)
		}
	})
}

func BenchmarkScrub(b *testing.B) {
	var s secret.Scrubber
	for i := range 20 {
		s.Add(secret.New(fmt.Sprintf("camera-password-%d", i)))
	}
	line := `{"level":"warn","ts":1763820000.1,"msg":"opening failed, will retry","camera":"front-door","url":"rtsp://10.0.0.1:554/s","error":"dial tcp 10.0.0.1:554: i/o timeout"}`
	b.ReportAllocs()
	for b.Loop() {
		s.Scrub(line)
	}
}
