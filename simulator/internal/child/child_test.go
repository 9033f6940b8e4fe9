package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/child"
)

func TestEndIsReported(t *testing.T) {
	var output strings.Builder
	cmd := exec.Command("sh", "-c", "echo hello; exit 3")
	cmd.Stdout = &output
	process, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	<-process.Done()
	if process.Err() == nil || process.Err().Error() != "exit status 3" || output.String() != "hello\n" {
		t.Errorf("ended with %v and output %q", process.Err(), output.String())
	}
	process.Signal(syscall.SIGTERM) // must not panic after the end
}

func TestKillEndsAStoppedChild(t *testing.T) {
	process, err := child.Start(exec.Command("sleep", "3600"))
	if err != nil {
		t.Fatal(err)
	}
	process.Stop()
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.PID())); err != nil || !strings.Contains(string(stat), ") T ") {
		t.Errorf("after Stop the child is %q, %v", stat, err)
	}
	process.Kill()
	if process.Err() == nil || process.Err().Error() != "signal: killed" {
		t.Errorf("ended with %v, want signal: killed", process.Err())
	}
}

// TestMain lets the test program play the simulator that is killed: with this variable set it starts a child and waits.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_PARENT") == "" {
		os.Exit(m.Run())
	}
	process, err := child.Start(exec.Command("sleep", "3600"))
	if err != nil {
		panic(err)
	}
	fmt.Println(process.PID())
	<-process.Done()
}

func TestChildDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "BE_THE_PARENT=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(output, &pid); err != nil {
		t.Fatal(err)
	}
	if !runs(pid) {
		t.Error("the child does not run")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // says that it was killed
	for deadline := time.Now().Add(10 * time.Second); runs(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the child lives 10 s after its parent")
		}
	}
}

// runs says whether a process is there and not merely waiting to be reaped.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestMissingProgram(t *testing.T) {
	if _, err := child.Start(exec.Command("/nonexistent/program")); err == nil {
		t.Error("no error for a program that does not exist")
	}
}
