package api

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// maxBody bounds request bodies; pictures may come in them as data: URLs.
const maxBody = 32 << 20

// A call is one request on its way through.
type call struct {
	*Server
	w       http.ResponseWriter
	r       *http.Request
	op      string
	started time.Time
	sent    *statusWriter // what really went out

	key           account.Key // its name is set even where the key is revoked
	authenticated bool
	body          []byte
	bodyProblem   error
	stream        string // id of the stream it is about; "" where there is none or not yet
	chat          *chatRequest
	chatProblems  []problem
	live          map[int]int // counters of the cameras when the call arrived
	chatLog       *calllog.Chat
	allowance     account.Allowance // of a chat, by the user's rate limit; zero: no limit
	faultID       string
}

// begin takes in a request. What it learns here can be matched by fault rules.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, op string) *call {
	sent := &statusWriter{ResponseWriter: w}
	c := &call{Server: s, w: sent, sent: sent, r: r, op: op, started: time.Now(), stream: r.PathValue("id")}
	c.key, c.authenticated = s.Keys.Authenticate(r.Header.Get("Authorization"))
	if op == calllog.OpChat {
		c.live = s.Cameras.Live()
	}
	c.body, c.bodyProblem = readBody(w, r)
	if op == calllog.OpChat && c.bodyProblem == nil {
		c.chat, c.chatProblems = decodeChat(c.body)
		c.chatLog = c.chat.forLog()
		if streams := c.chat.streams(); len(streams) > 0 {
			c.stream = streams[0]
		}
	}
	return c
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("the request body is larger than %d bytes or was cut off", maxBody)
	}
	return body, nil
}

// finish logs the call. It runs also where a handler panicked to cut the connection.
func (s *Server) finish(c *call) {
	s.Calls.Add(calllog.Entry{
		At: c.started, Op: c.op, Method: c.r.Method, Path: c.r.URL.Path, Key: c.key.Name, Stream: c.stream,
		Region: c.r.Header.Get(regionHeader), Status: c.sent.status, Fault: c.faultID, Chat: c.chatLog,
		Duration: float64(time.Since(c.started).Microseconds()) / 1000,
	})
}

// forFault returns what fault rules are matched against.
func (c *call) forFault() fault.Call {
	match := fault.Call{Op: c.op, Key: c.key.Name}
	if c.stream != "" {
		match.Streams = []string{c.stream}
	}
	if c.chat != nil {
		match.Streams = c.chat.streams()
	}
	for _, id := range match.Streams {
		if s, found := c.Streams.Find(id); found {
			if frames := s.Snapshot().Frames; frames.Any {
				match.Cameras = append(match.Cameras, c.Cameras.Name(frames.Newest.Reading.Camera))
			}
		}
	}
	return match
}

// reply answers with JSON.
func (c *call) reply(status int, v any) {
	writeJSON(c.w, status, v, c.Switches.On(switches.ExtraFields))
}

// fail answers with the plain error envelope.
func (c *call) fail(status int, detail string) { c.reply(status, plain(detail)) }

// millis is a moment as the server's wall clock shows it, in Unix ms.
func (c *call) millis(t time.Time) int64 {
	return t.Add(c.Switches.Milliseconds(switches.ClockSkewMS)).UnixMilli()
}

// statusWriter remembers the status that went out; 0 where none did.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
