package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	gemma = "google/gemma-4-26B-A4B-it"
	qwen  = "Qwen/Qwen3.6-35B-A3B-FP8"
)

// counterWatch asks for what is burned into the newest picture.
const counterWatch = `
  counter:
    prompt: "What is the counter?"
    model: ` + gemma + `
    fallback: [` + qwen + `]
    every: 500ms
    max_tokens: 77
    schema: {type: object, properties: {counter: {type: integer}, camera: {type: integer}, color: {type: string}}, required: [counter, camera, color]}
    sinks: [events]
`

const clipWatch = `
  clip:
    prompt: "What happens?"
    model: ` + gemma + `
    every: 1s
    look: {last: 2s, max_fps: 2}
    schema: {type: object, properties: {first_counter: {type: integer}, last_counter: {type: integer}, camera: {type: integer}}, required: [first_counter, last_counter, camera]}
    sinks: [events]
`

// camera is the YAML of one camera of the simulator that is asked watches.
func (s *simulator) camera(name, watches string) string {
	return fmt.Sprintf("  - {name: %s, source: %q, stall_after: 2s, watches: [%s]}\n", name, s.cameras[name], watches)
}

// lockedCamera is the same for the camera that wants a password, with the one given.
func (s *simulator) lockedCamera(name, password, watches string) string {
	return fmt.Sprintf("  - {name: %s, source: %q, username: %q, password: %q, stall_after: 2s, watches: [%s]}\n",
		name, s.cameras[name], s.secrets.user, password, watches)
}

// Not parallel: this test counts lost pictures and the age of answers, and should not pay for another's load.
func TestMainJob(t *testing.T) {
	s := startSimulator(t, "front-door=720p30:payload=1400,dock=360p30:sdp-only")
	cameras := s.lockedCamera("front-door", s.secrets.password, "counter, clip") + s.camera("dock", "counter, clip")

	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			a := startAgent(t, s, cameras, counterWatch+clipWatch)
			for _, camera := range []string{"front-door", "dock"} {
				a.waitEvents(camera+"/clip", 4)
				a.waitEvents(camera+"/counter", 4)
			}
			checkHealthy(a)
			checkNothingLost(t, s)
			a.stop(signal)

			a.checkEvents()
			checkAnswers(a, s)
			checkQuestions(t, s)
			checkReleased(t, s)
			s.recorder.check(t)
		})
	}
	if s.secrets.tokens() == 0 {
		t.Error("the recorder saw no tokens, so nothing is known of those that may not be told")
	}
}

// checkHealthy looks at the HTTP pages of an agent at work.
func checkHealthy(a *agent) {
	t := a.t
	t.Helper()
	for _, page := range []string{"/healthz", "/readyz"} {
		if code, text := a.get(page); code != http.StatusOK {
			t.Errorf("%s: %d %s", page, code, text)
		}
	}
	for _, camera := range []string{"front-door", "dock"} {
		for part, want := range map[string]string{"source": "live", "publisher": "live", "watch counter": "asking"} {
			if state, trouble := a.part(camera, part); state != want {
				t.Errorf("%s: %s is %q (%s), want %q", camera, part, state, trouble, want)
			}
		}
		// Lines come between the two looks, so they agree only in most of them.
		eventually(t, "the metrics count the lines of the result file", func() bool {
			return a.metric("overshoot_agent_results_received_total", "camera", camera, "watch", "counter") == float64(len(a.events(camera+"/counter")))
		})
	}
	eventually(t, "the sink's metric counts all lines", func() bool {
		return a.metric("overshoot_agent_sink_sent_total", "sink", "events") == float64(len(a.allEvents()))
	})
}

func checkNothingLost(t *testing.T, s *simulator) {
	t.Helper()
	for _, stream := range s.streams() {
		if stream.State == "active" && (stream.LostPictures > 0 || stream.Media.LostPackets > 0 || stream.Media.Joins != 1) {
			t.Errorf("%s: something was lost on the way: %+v", stream.Camera, stream)
		}
	}
}

// checkAnswers holds every result against what the simulator says that it answered. The last answer may have come too late to count.
func checkAnswers(a *agent, s *simulator) {
	t := a.t
	t.Helper()
	answered := map[string][]call{} // by medium: that is one watch of one stream
	for _, c := range s.calls("chat") {
		if c.Status == http.StatusOK {
			answered[c.Chat.Media[0]] = append(answered[c.Chat.Media[0]], c)
		}
	}
	used := map[string]int{}
	for _, e := range a.allEvents() {
		want := "ovs://streams/" + e.Data.StreamID + "?frame_index=-1"
		if e.Data.Watch == "clip" {
			want = "ovs://streams/" + e.Data.StreamID + "?start_offset_ms=-2000&max_fps=2"
		}
		n := used[want]
		if used[want]++; n >= len(answered[want]) {
			t.Errorf("result %s of %s: the simulator answered only %d questions about %s", e.Sequence, e.Subject, n, want)
			continue
		}
		checkAnswer(t, e, answered[want][n])
	}
	for medium, n := range used {
		if missing := len(answered[medium]) - n; missing > 1 {
			t.Errorf("%d answers about %s never became results", missing, medium)
		}
	}
}

// checkAnswer checks one result: it is what was answered, about the right camera, and from a picture of the last second.
func checkAnswer(t *testing.T, e event, c call) {
	t.Helper()
	if got := compact(t, e.Data.Result); !e.Data.OK || got != compact(t, []byte(c.Chat.Content)) {
		t.Errorf("%s: result %s (%s), but the answer was %s", e.Subject, got, e.Data.Error, c.Chat.Content)
	}
	var answer struct {
		Counter, Camera int
		LastCounter     int `json:"last_counter"`
	}
	must(t, json.Unmarshal(e.Data.Result, &answer))
	newest := c.Chat.Counters[len(c.Chat.Counters)-1]
	if answer.Counter+answer.LastCounter != newest {
		t.Errorf("%s: counter %d, but the picture said %d", e.Subject, answer.Counter+answer.LastCounter, newest)
	}
	if want := map[string]int{"front-door": 1, "dock": 2}[e.Data.Camera]; answer.Camera != want {
		t.Errorf("%s was answered about camera %d, want %d", e.Subject, answer.Camera, want)
	}
	const second = 30
	limit := second
	if e.Data.Watch == "clip" {
		limit += second / 2 // at two pictures a second the newest one sampled can be so old
	}
	if age := behind(newest, c.Chat.LiveCounter); age > limit {
		t.Errorf("%s: answered from a picture %d frames behind the camera", e.Subject, age)
	}
}

func checkQuestions(t *testing.T, s *simulator) {
	t.Helper()
	for _, q := range s.recorder.questions() {
		want := 77
		if strings.Contains(q.medium, "start_offset_ms") {
			want = 128 // the default
		}
		if q.MaxTokens == nil || *q.MaxTokens != want {
			t.Errorf("%s: max_tokens is not %d: %v", q.medium, want, q.MaxTokens)
		}
		if !strings.Contains(string(q.ResponseFormat), `"json_schema"`) {
			t.Errorf("%s: the schema was not sent: %s", q.medium, q.ResponseFormat)
		}
	}
}

func checkReleased(t *testing.T, s *simulator) {
	t.Helper()
	streams := s.streams()
	if len(streams) == 0 {
		t.Error("the simulator remembers no streams")
	}
	for _, stream := range streams {
		if stream.State != "ended" || stream.EndReason != "deleted" || stream.Publisher {
			t.Errorf("not released: %+v", stream)
		}
	}
}

// A second agent may not take the address of the first.
func TestStatusAddressTaken(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=360p30")
	first := startAgent(t, s, s.lockedCamera("yard", s.secrets.password, "counter"), counterWatch)
	dir := t.TempDir()
	path := filepath.Join(dir, configName)
	text := strings.Replace(s.config(dir, s.lockedCamera("yard", s.secrets.password, "counter"), counterWatch), "127.0.0.1:0", strings.TrimPrefix(first.base, "http://"), 1)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	code, printed := runAgent(t, "run", "--config", path)
	if code != 1 || !strings.Contains(printed, "status.listen") || !strings.Contains(printed, "is another agent running?") {
		t.Errorf("exit code %d: %s", code, printed)
	}
	s.secrets.check(t, map[string]string{"the output": printed})
}
