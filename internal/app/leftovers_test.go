package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
)

// service is a service that takes deletes, and notes them.
type service struct {
	mu      sync.Mutex
	deleted []string
	refuses bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method != http.MethodDelete || s.refuses {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.deleted = append(s.deleted, strings.TrimPrefix(r.URL.Path, "/v1beta/streams/"))
	fmt.Fprint(w, `{"deleted":true}`)
}

func (s *service) gone() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.deleted))
}

// start returns an agent that has read its configuration and the journal of the last run, and has not started any camera.
func start(t *testing.T, s *service, cameras, streams string) *agent {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	state := t.TempDir()
	file := filepath.Join(state, "config.yaml")
	write(t, file, fmt.Sprintf(`
overshoot: {base_url: %q, keys: [{name: main, key: ovs-one, max_streams: 5}]}
cameras: [%s]
sinks: {f: {type: file, path: r.jsonl}}
status: {listen: "127.0.0.1:0"}
state_dir: %q
`, server.URL, cameras, state))
	write(t, filepath.Join(state, "leases.json"), `{"version":1,"streams":[`+streams+`]}`)
	plan, err := Load(file, config.Options{LookupEnv: os.LookupEnv, Hostname: "host"})
	if err != nil {
		t.Fatal(err)
	}
	a := newAgent(Options{Plan: plan, Log: zap.NewNop(), Scrubber: &secret.Scrubber{}, Notify: func(string) {}})
	folder, err := a.openState(state)
	if err != nil {
		t.Fatal(err)
	}
	life, end := context.WithCancel(context.Background())
	filming, stopFilming := context.WithCancelCause(life)
	a.life, a.filming = life, filming
	if err := a.configure(plan); err != nil {
		t.Fatal(err)
	}
	a.openSpool(plan.Config)
	t.Cleanup(func() {
		_ = a.closeSpool()
		stopFilming(nil)
		end()
		a.janitor.Wait()
		_ = folder.Close()
	})
	return a
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func door(name string) string { return fmt.Sprintf(`{name: %s, source: "rtsp://127.0.0.1:1/x"}`, name) }

func stream(camera, id string) string {
	return fmt.Sprintf(`{"camera":%q,"key":"main","id":%q,"ttl_seconds":300}`, camera, id)
}

// slots are those that cameras have, and those that are blocked for streams that nobody holds.
func (a *agent) slots(t *testing.T) (used, blocked float64) {
	t.Helper()
	families, err := a.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "overshoot_agent_slots_used":
			used = f.GetMetric()[0].GetGauge().GetValue()
		case "overshoot_agent_slots_blocked":
			blocked = f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return used, blocked
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after 30 s: %s", what)
		}
	}
}

func TestTheStartFindsAUseForEveryStreamOfTheLastRun(t *testing.T) {
	s := &service{}
	a := start(t, s, door("front"), strings.Join([]string{
		stream("front", "older"), stream("front", "newest"), stream("gone", "orphan"),
		`{"camera":"front","key":"main","ttl_seconds":300,"boot_id":"another"}`,
	}, ","))
	a.settle(a.plan)
	eventually(t, "the streams that nobody wants are deleted", func() bool { return slices.Equal(s.gone(), []string{"older", "orphan"}) })
	eventually(t, "one slot is the camera's, and one is blocked for the create that was cut off", func() bool {
		used, blocked := a.slots(t)
		return used == 1 && blocked == 1
	})
	if e, ok := a.journal.Adoptable("front"); !ok || e.ID != "newest" {
		t.Errorf("the camera would adopt %+v", e)
	}
}

func TestTwoStreamsOfOneCameraAreTwoSlots(t *testing.T) {
	s := &service{refuses: true}
	a := start(t, s, door("front"), stream("front", "older")+","+stream("front", "newest"))
	a.settle(a.plan)
	if used, blocked := a.slots(t); used != 1 || blocked != 1 {
		t.Errorf("%v slots are used and %v blocked, want 1 and 1", used, blocked)
	}
}

func TestTheSlotOfARemovedCameraIsNotFreeBeforeItsStreamIsGone(t *testing.T) {
	s := &service{refuses: true}
	a := start(t, s, door("front"), stream("front", "s1"))
	a.settle(a.plan)
	a.forgetCamera("front", false) // as when its unit was down after a panic
	if used, blocked := a.slots(t); used != 0 || blocked != 1 {
		t.Errorf("%v slots are used and %v blocked, want 0 and 1", used, blocked)
	}
	s.mu.Lock()
	s.refuses = false
	s.mu.Unlock()
	eventually(t, "the stream is deleted and its slot free", func() bool {
		_, blocked := a.slots(t)
		return blocked == 0 && slices.Equal(s.gone(), []string{"s1"})
	})
}

func TestAtTheEndTheStreamOfACameraThatIsDownIsDeleted(t *testing.T) {
	s := &service{}
	a := start(t, s, door("front"), stream("front", "s1"))
	a.settle(a.plan)
	a.releaseRest()
	if !slices.Equal(s.gone(), []string{"s1"}) || len(a.journal.Entries()) != 0 {
		t.Errorf("deleted %v, journal %v", s.gone(), a.journal.Entries())
	}
}

func TestARejectedConfigurationChangesNothing(t *testing.T) {
	a := start(t, &service{}, door("front"), "")
	before := a.running()
	a.Load = func() (*Plan, error) { return Load("/nonexistent/config.yaml", config.Options{Hostname: "host"}) }
	for range 2 {
		if err := a.reload(); err == nil || !strings.Contains(err.Error(), "config.yaml") {
			t.Errorf("reload returned %v", err)
		}
	}
	if a.running() != before || testutil.ToFloat64(a.metrics.reloaded) != 0 || a.config.View().State != "rejected" {
		t.Errorf("the status is %+v", a.config.View())
	}
}
