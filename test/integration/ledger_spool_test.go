package integration

import (
	"bytes"
	"os/exec"
	"testing"
)

// exportSpool returns what waits in a spool, one result a line, as the agent's own command prints it.
func exportSpool(t *testing.T, args ...string) (lines [][]byte) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(agentProgram(t), append([]string{"spool", "export"}, args...)...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &stdout, &stderr, die()
	if err := cmd.Run(); err != nil {
		t.Fatalf("exporting the spool: %v: %s", err, stderr.String())
	}
	for line := range bytes.Lines(stdout.Bytes()) {
		lines = append(lines, line)
	}
	return lines
}
