package integration

import (
	"bufio"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// A cameraProcess is a camera with a process of its own, which can be stopped, killed and cut off.
type cameraProcess struct {
	t       *testing.T
	list    string // the camera, as the simulator's command line has it
	address string // that it listens on
	url     string
	cmd     *exec.Cmd
	stdin   io.WriteCloser // the process ends when it is closed
	cable   bool           // between it and us
}

// The two ends of a cable, of a network that is for documentation (RFC 5737).
const (
	ourEnd    = "192.0.2.1"
	cameraEnd = "192.0.2.2"
)

// startCamera starts one on our loopback interface. It ends with the test.
func startCamera(t *testing.T, list string) *cameraProcess {
	t.Helper()
	c := &cameraProcess{t: t, list: list, address: "127.0.0.1:0"}
	c.launch()
	return c
}

// startCableCamera starts one in a network namespace of its own, at the end of a cable. It needs the rights of root over our network, as
// everybody has who runs the tests in a namespace of their own.
func startCableCamera(t *testing.T, list string) *cameraProcess {
	t.Helper()
	c := &cameraProcess{t: t, list: list, address: cameraEnd + ":0", cable: true}
	c.launch()
	return c
}

// launch starts the process, again at the same address if it ran before, and blocks until it serves.
func (c *cameraProcess) launch() {
	c.t.Helper()
	args := []string{
		program(c.t, "OVERSHOOT_SIMULATOR_BIN", "bin/overshoot-simulator"), "--only-cameras", "--cameras", c.list, "--rtsp-listen", c.address,
		"--clips", program(c.t, "OVERSHOOT_CLIPS", ".cache/clips"), "--exit-with-parent", "--log-level", "warn",
	}
	// It waits for a word from us: its end of the cable must be there when it listens.
	c.cmd = exec.Command("sh", append([]string{"-c", `read -r _ && exec "$@"`, "sh"}, args...)...)
	c.cmd.Stderr, c.cmd.SysProcAttr = os.Stderr, die()
	if c.cable {
		c.cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	}
	var err error
	c.stdin, err = c.cmd.StdinPipe()
	must(c.t, err)
	stdout, err := c.cmd.StdoutPipe()
	must(c.t, err)
	if err := c.cmd.Start(); err != nil {
		c.t.Fatalf("starting a camera: %v; one at the end of a cable needs a network namespace, see scripts/test.sh", err)
	}
	c.t.Cleanup(c.end)
	if c.cable {
		c.plugIn()
	}
	_, err = io.WriteString(c.stdin, "go\n")
	must(c.t, err)
	c.readReady(stdout)
}

// readReady learns where the camera is. When it starts again it is to be at the same place.
func (c *cameraProcess) readReady(stdout io.Reader) {
	c.t.Helper()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		c.t.Fatalf("the camera %s did not start: %v", c.list, err)
	}
	var ready struct{ Cameras []struct{ URL string } }
	must(c.t, json.Unmarshal(line, &ready))
	c.url = ready.Cameras[0].URL
	u, err := url.Parse(c.url)
	must(c.t, err)
	c.address = u.Host
}

// end ends the process, also one that is stopped.
func (c *cameraProcess) end() {
	_ = c.stdin.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// freeze stops the process with its connections open; the kernel goes on to take new ones.
func (c *cameraProcess) freeze() { must(c.t, c.cmd.Process.Signal(syscall.SIGSTOP)) }
func (c *cameraProcess) thaw()   { must(c.t, c.cmd.Process.Signal(syscall.SIGCONT)) }

// plugIn lays a cable into the namespace of the process.
func (c *cameraProcess) plugIn() {
	c.t.Helper()
	// Named after the process: if all this runs outside of a namespace, nothing else has that name.
	ours, theirs, pid := "cable"+strconv.Itoa(c.cmd.Process.Pid), "end"+strconv.Itoa(c.cmd.Process.Pid), strconv.Itoa(c.cmd.Process.Pid)
	c.ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
	c.ip("addr", "add", ourEnd+"/30", "dev", ours)
	c.ip("link", "set", ours, "up")
	c.ip("link", "set", theirs, "netns", pid)
	c.ipThere("addr", "add", cameraEnd+"/30", "dev", theirs)
	c.ipThere("link", "set", theirs, "up")
	c.ipThere("link", "set", "lo", "up")
}

// cut makes all that the camera sends vanish, and so nobody hears of anything that is sent to it.
func (c *cameraProcess) cut()  { c.t.Helper(); c.ipThere("route", "add", "blackhole", ourEnd) }
func (c *cameraProcess) mend() { c.t.Helper(); c.ipThere("route", "del", "blackhole", ourEnd) }

func (c *cameraProcess) ip(args ...string) {
	c.t.Helper()
	c.command("ip", args...)
}

func (c *cameraProcess) ipThere(args ...string) {
	c.t.Helper()
	c.command("nsenter", append([]string{"--target", strconv.Itoa(c.cmd.Process.Pid), "--net", "ip"}, args...)...)
}

func (c *cameraProcess) command(name string, args ...string) {
	c.t.Helper()
	if text, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s %v: %v %s", name, args, err, text)
	}
}
