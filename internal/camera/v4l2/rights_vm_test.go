//go:build vm

package v4l2_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const asNobody = "TRY_AS_NOBODY" // in the environment of a child of the test: the device to open

// A user without rights is told which it needs. Root has all, so a child tries it as somebody else.
func TestWithoutRights(t *testing.T) {
	if device := os.Getenv(asNobody); device != "" {
		fmt.Println("error:", sourceOf(t, "device: "+device).Run(context.Background(), newViewer()))
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program, "-test.run", "^TestWithoutRights$")
	child.Env = append(os.Environ(), asNobody+"="+node(t, single))
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	output, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "permission denied; the agent's user may not open it: add that user to the group video") {
		t.Errorf("%v: %s", err, output)
	}
}
