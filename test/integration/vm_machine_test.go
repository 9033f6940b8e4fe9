//go:build vm

package integration

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A machine is a VM with V4L2 devices in which an agent runs; scripts/vm/run.sh says what it can do. Its CPU is emulated, so everything takes
// its time. Its 127.0.0.1 is ours, and its /share is the agent's folder.
type machine struct {
	*agent
	shellIn    *os.File
	shellOut   *os.File
	shellLines *bufio.Reader // of shellOut
}

// hardware is what a machine is made of, in the words of scripts/vm/run.sh.
type hardware struct {
	modules, prepare string
	files            string // programs, by name or path, and other files
	agent            string // the agent's program; the pure Go one unless given
}

const (
	inGuest    = "/share"
	statusPort = 8080
)

// startMachine boots a VM and runs an agent in it with cameras and watches (YAML) against s. It ends with the test.
func startMachine(t *testing.T, s *simulator, h hardware, cameras, watches string) *machine {
	t.Helper()
	dir := t.TempDir()
	config := s.config(inGuest, cameras, watches)
	// SQLite is not at home on a folder that another kernel shares out.
	config = strings.ReplaceAll(config, inGuest+"/state", "/tmp/state")
	config = strings.ReplaceAll(config, "127.0.0.1:0", fmt.Sprintf("10.0.2.15:%d", statusPort))
	must(t, os.WriteFile(filepath.Join(dir, configName), []byte(config), 0o600))

	shell, port := filepath.Join(t.TempDir(), "shell"), freePort(t)
	command := h.command(t, "run", "--config", filepath.Join(inGuest, configName))
	command.Env = append(command.Env, "VM_SHARE="+dir, "VM_SHELL="+shell, fmt.Sprintf("VM_FORWARD=%d:%d", port, statusPort))
	m := &machine{agent: launchAgent(t, s, dir, command)}
	m.waitStarted()
	m.base = fmt.Sprintf("http://127.0.0.1:%d", port)
	m.openShell(shell)
	return m
}

// command is what boots a VM and runs the agent in it.
func (h hardware) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	agent := cmp.Or(h.agent, program(t, "OVERSHOOT_AGENT_PLAIN_BIN", "bin/overshoot-agent"))
	command := exec.Command(filepath.Join("..", "..", "scripts", "vm", "run.sh"), append([]string{agent}, args...)...)
	command.Env = append(os.Environ(), "VM_MODULES="+h.modules, "VM_FILES="+h.files, "VM_PREPARE="+h.prepare, "VM_MEMORY=1536")
	return command
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (m *machine) openShell(path string) {
	m.t.Helper()
	in, err := os.OpenFile(path+".in", os.O_WRONLY, 0)
	must(m.t, err)
	out, err := os.Open(path + ".out")
	must(m.t, err)
	m.t.Cleanup(func() { _, _ = in.Close(), out.Close() })
	m.shellIn, m.shellOut, m.shellLines = in, out, bufio.NewReader(out)
}

// do runs a line of shell in the VM and returns what it printed. The test fails if the line does.
func (m *machine) do(line string) string {
	m.t.Helper()
	const end = "that was it:"
	_, err := fmt.Fprintf(m.shellIn, "(%s); status=$?; echo; echo %s $status\n", line, end)
	must(m.t, err)
	must(m.t, m.shellOut.SetReadDeadline(time.Now().Add(patience)))
	var printed strings.Builder
	for {
		text, err := m.shellLines.ReadString('\n')
		if err != nil {
			m.t.Fatalf("%s: %v after %s", line, err, printed.String())
		}
		if status, ok := strings.CutPrefix(text, end+" "); ok {
			if status != "0\n" {
				m.t.Fatalf("%s: exit status %s%s", line, status, printed.String())
			}
			return strings.TrimSuffix(printed.String(), "\n")
		}
		printed.WriteString(text)
	}
}
