package exec_test

import (
	"context"
	"os"
	osexec "os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/child/childtest"
)

func TestAProgramMayGiveItsCameraBack(t *testing.T) {
	folder := t.TempDir()
	r := start(t, script("trap 'echo given back >"+folder+"/note; exit 0' TERM; echo $$ >"+folder+"/id; while :; do sleep 0.1; done"))
	id := number(t, folder+"/id")
	_ = r.stop()
	text, _ := os.ReadFile(folder + "/note")
	if string(text) != "given back\n" || childtest.Runs(id) {
		t.Errorf("note %q, alive %v", text, childtest.Runs(id))
	}
}

func TestAProgramThatDoesNotListenIsKilled(t *testing.T) {
	folder := t.TempDir()
	r := start(t, script("trap '' TERM; echo $$ >"+folder+"/id; sleep 1000 & echo $! >"+folder+"/other; while :; do sleep 0.1; done"))
	id, other := number(t, folder+"/id"), number(t, folder+"/other")
	_ = r.stop()
	eventually(t, "the end of both", func() bool { return !childtest.Runs(id) && !childtest.Runs(other) })
}

func TestWhatTheProgramStartedEndsWithIt(t *testing.T) {
	for name, then := range map[string]string{"closed": "wait", "ended by itself": "exit 1", "killed": "kill -9 $$"} {
		folder := t.TempDir()
		r := start(t, script("sleep 1000 & echo $! >"+folder+"/id; "+then))
		id := number(t, folder+"/id")
		if name == "closed" {
			_ = r.stop()
		} else if err := r.result(t); !strings.Contains(err.Error(), "sh ended with") {
			t.Errorf("%s: got %v", name, err)
		}
		eventually(t, name+": the end of what it started", func() bool { return !childtest.Runs(id) })
	}
}

// One that leaves its group cannot be ended; it must not hold up the camera, even if it holds the pipes.
func TestAProgramThatLeavesSomethingBehind(t *testing.T) {
	folder := t.TempDir()
	r := start(t, script("setsid sh -c 'echo $$ >"+folder+"/id; exec sleep 1000' & sleep 0.3; exit 4"))
	id := number(t, folder+"/id")
	t.Cleanup(func() { _ = osexec.Command("kill", "-9", "--", strconv.Itoa(id)).Run() })
	if err := r.result(t); !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("got %v", err)
	}
}

func TestTheProgramDiesWithAnAgentThatIsKilled(t *testing.T) {
	folder := t.TempDir()
	agent := osexec.Command(os.Args[0])
	agent.Env = append(os.Environ(), asAgent+"=type: exec\n"+script("echo $$ >"+folder+"/id; exec sleep 1000"))
	agent.Stderr = os.Stderr
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	id := number(t, folder+"/id")
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait()
	eventually(t, "the end of its child", func() bool { return !childtest.Runs(id) })
}

// A camera may be opened again and again for years.
func TestNothingIsLeftAfterManyRounds(t *testing.T) {
	video := clip(t, "mpegts")
	texts := []string{
		script("cat " + video + "; sleep 1000"), script("cat " + video), script("echo no >&2; exit 1"), script("echo some text for you; sleep 1000"), "command: [no-such-program]",
	}
	round := func(i int) {
		source, _ := open(t, texts[i%len(texts)])
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &screen{taken: func(n int) {
			if n == 30 && i%len(texts) == 0 {
				cancel()
			}
		}}
		if err := source.Run(ctx, s); err == nil {
			t.Error("no error")
		}
	}
	for i := range len(texts) {
		round(i)
	}
	files, routines := openFiles(t), runtime.NumGoroutine()
	for i := range 200 {
		round(i)
	}
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= routines })
	if now := openFiles(t); now > files {
		t.Errorf("%d open files, %d before", now, files)
	}
	if left := childtest.Of(t, os.Getpid()); len(left) > 0 {
		t.Errorf("children that are left: %v", left)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
