package integration

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/discover/onviftest"
	"golang.org/x/sys/unix"
)

// A cameraLAN is a network with cameras on it, in a namespace of its own, of a range that is for documentation (RFC 5737). It needs the
// rights of root over our network, as everybody has who runs the tests in a namespace of their own.
type cameraLAN struct {
	t      *testing.T
	ours   string      // the interface on our side
	inside chan func() // is done in the namespace
}

const (
	lanOurs   = "198.51.100.1"
	lanTheirs = "198.51.100.%d"
	lanOurs6  = "fe80::a"
	lanTheir6 = "fe80::b"
)

// startLAN makes the network with room for n cameras, at .11 and so on.
func startLAN(t *testing.T, n int) *cameraLAN {
	t.Helper()
	// Named after the process: if all this runs outside of a namespace, nothing else has that name.
	l := &cameraLAN{t: t, ours: fmt.Sprint("lan", os.Getpid()), inside: make(chan func())}
	place := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("making a network: %v; see scripts/test.sh", err)
		}
		place <- fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())
		for do := range l.inside {
			do()
		}
	}()
	t.Cleanup(func() { close(l.inside) })
	namespace := <-place
	theirs := fmt.Sprint("far", os.Getpid())
	l.ip("link", "add", l.ours, "type", "veth", "peer", "name", theirs, "netns", namespace)
	t.Cleanup(func() { l.ip("link", "del", l.ours) })
	l.ip("addr", "add", lanOurs+"/24", "dev", l.ours)
	l.ip("addr", "add", lanOurs6+"/64", "dev", l.ours, "nodad")
	l.ip("link", "set", l.ours, "up")
	l.do(func() {
		for i := range n {
			l.ip("addr", "add", fmt.Sprintf(lanTheirs, 11+i)+"/24", "dev", theirs)
		}
		l.ip("link", "set", theirs, "name", "lan0")
		l.ip("addr", "add", lanTheir6+"/64", "dev", "lan0", "nodad")
		l.ip("link", "set", "lan0", "up")
	})
	// IPv6 takes up to a second before it answers on a new link.
	eventually(t, "the network carries IPv6", func() bool {
		_, err := net.DialTimeout("tcp", "["+lanTheir6+"%"+l.ours+"]:9", time.Second)
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	return l
}

// do does it on the thread that is in the namespace: sockets and processes that it makes are in there too.
func (l *cameraLAN) do(what func()) {
	l.t.Helper()
	done := make(chan struct{})
	l.inside <- func() { defer close(done); what() }
	<-done
	if l.t.Failed() {
		l.t.FailNow()
	}
}

func (l *cameraLAN) ip(args ...string) {
	if text, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, text)
	}
}

// camera starts the one at .number.
func (l *cameraLAN) camera(number int, c onviftest.Camera) *onviftest.Server {
	l.t.Helper()
	return l.cameraAt(fmt.Sprintf(lanTheirs, number), c)
}

func (l *cameraLAN) cameraAt(address string, c onviftest.Camera) (s *onviftest.Server) {
	l.t.Helper()
	c.Endpoint = "urn:" + address
	l.do(func() { s = onviftest.Start(l.t, "lan0", netip.MustParseAddr(address), c) })
	return s
}

// profiles are those of most cameras.
func profiles(encoding string) []onviftest.Profile {
	return []onviftest.Profile{
		{Token: "main", Name: "MainStream", Source: "v", Encoding: encoding, Width: 1920, Height: 1080, Rate: "25", URI: "rtsp://HOST:554/main"},
		{Token: "sub", Name: "SubStream", Source: "v", Encoding: encoding, Width: 640, Height: 360, Rate: "15", URI: "rtsp://HOST:554/sub"},
	}
}

// discoverCameras runs the command and returns its exit code, YAML and what it says beside.
func discoverCameras(t *testing.T, environment string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(agentProgram(t), append([]string{"discover", "--no-v4l2"}, args...)...)
	var out, beside bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &out, &beside, die()
	cmd.Env = append(os.Environ(), environment)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), beside.String()
}

// checkAccepted has the agent check a configuration with what was printed.
func checkAccepted(t *testing.T, printed, environment string, want ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), configName)
	must(t, os.WriteFile(file, []byte("overshoot: {keys: [{name: main, key: ovs-12345678}]}\nstate_dir: state\ncameras:\n"+printed), 0o600))
	cmd := exec.Command(agentProgram(t), "check", "--config", file)
	cmd.Env = append(os.Environ(), environment)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s\n%s", err, text, printed)
	}
	for _, camera := range want {
		if !strings.Contains(string(text), "camera "+camera+": rtsp") {
			t.Errorf("there is no camera %s: %s", camera, text)
		}
	}
}

// A network with all sorts of cameras on it, seen by somebody who knows their password and by somebody who does not.
func TestDiscover(t *testing.T) {
	l := startLAN(t, 10)
	known := newSecrets()
	locked := func(how onviftest.Login, c onviftest.Camera) onviftest.Camera {
		c.Login, c.Username, c.Password = how, known.user, cmp.Or(c.Password, known.password)
		return c
	}
	open := l.camera(11, onviftest.Camera{Scopes: "onvif://www.onvif.org/name/Back%20Yard", Manufacturer: "ACME", Model: "Dome", Profiles: profiles("H264")})
	cameras := []*onviftest.Server{
		open,
		l.camera(12, locked(onviftest.Token, onviftest.Camera{Manufacturer: "Late", Model: "L1", Clock: -400 * 24 * time.Hour, Profiles: profiles("H264")})),
		l.camera(13, locked(onviftest.Digest, onviftest.Camera{Manufacturer: "Web", Model: "W1 " + known.password, Profiles: profiles("H264")})),
		l.camera(14, onviftest.Camera{Match: func(string) []byte { return []byte("<\x1b[2Jrubbish") }}),
		l.camera(15, onviftest.Camera{XAddrs: func(string) string { return open.Own }, Serve: http.NotFoundHandler()}),
		l.camera(16, onviftest.Camera{Manufacturer: "New", Model: "N1", NoMedia: true, Profiles: profiles("H265")}),
		l.camera(17, onviftest.Camera{Serve: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}),
		l.camera(18, onviftest.Camera{Match: manyMatches(), Repeats: 200}),
		l.camera(19, locked(onviftest.Basic, onviftest.Camera{Profiles: profiles("H264")})),
		l.cameraAt(lanTheir6+"%lan0", locked(onviftest.Digest, onviftest.Camera{Manufacturer: "Six", Model: "S6", Profiles: profiles("H264")})),
		l.camera(20, locked(onviftest.Token, onviftest.Camera{Manufacturer: "Other", Model: "O1", Password: known.wrong, Profiles: profiles("H264")})),
	}
	const asMuch = "--timeout=2s"
	withPassword := "CAMERA_PASSWORD=" + known.password

	code, yaml, beside := discoverCameras(t, withPassword, asMuch, "--interface", l.ours, "--username", known.user)
	if code != 0 {
		t.Errorf("exit code %d: %s", code, beside)
	}
	for _, want := range []string{
		"  - name: back-yard\n", "    source: rtsp://198.51.100.11:554/main\n", "# ACME Dome, called Back Yard, at 198.51.100.11\n",
		"rtsp://198.51.100.11:554/sub: H.264 640x360",
		"  - name: late-l1\n", "  - name: web-w1-secret\n", "  - name: new-n1\n", "  - name: six-s6\n", "# H.265 1920x1080",
		"    username: viewer\n    password: ${CAMERA_PASSWORD}\n",
		"not usable yet: no answer within 2s\n", "named another host (198.51.100.11), which was not asked", "in clear text", "refused user name or password",
	} {
		if !strings.Contains(yaml, want) {
			t.Errorf("it does not print %q", want)
		}
	}
	for _, want := range []string{
		"198.51.100.14 answered something that is not understood", "32 from one address, is left out", l.ours + " (" + lanOurs + ")", "set CAMERA_PASSWORD",
	} {
		if !strings.Contains(beside, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if n := strings.Count(yaml, "at 198.51.100.18\n"); n != 32 {
		t.Errorf("%d cameras are at the address that answers without end", n)
	}
	checkAccepted(t, yaml, withPassword, "back-yard", "late-l1", "web-w1-secret", "new-n1", "six-s6")
	known.check(t, map[string]string{"YAML": yaml, "stderr": beside})
	if t.Failed() {
		t.Logf("%s\n%s", beside, yaml)
	}

	_, yaml, beside = discoverCameras(t, "X=", asMuch) // on all interfaces, and as nobody
	if n := strings.Count(yaml, "the camera wants user name and password\n"); n != 5 {
		t.Errorf("%d cameras want a login, want 5", n)
	}
	if !strings.Contains(beside, "198.51.100.12: the camera wants user name and password\n  run discover again with --username") {
		t.Errorf("it does not say what to do")
	}
	checkAccepted(t, yaml, "X=", "back-yard", "new-n1")

	for _, camera := range cameras {
		for _, request := range camera.Seen() {
			known.check(t, map[string]string{"a request to " + camera.Own: request.Body + request.Authorization})
			if strings.HasPrefix(request.Authorization, "Basic") {
				t.Errorf("%s was told the password", camera.Own)
			}
		}
	}
	if t.Failed() {
		t.Logf("%s\n%s", beside, yaml)
	}
}

// manyMatches answers each time as somebody else.
func manyMatches() func(string) []byte {
	n := 0
	return func(string) []byte {
		n++
		return fmt.Appendf(nil, `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><ProbeMatches><ProbeMatch>`+
			`<EndpointReference><Address>urn:%d</Address></EndpointReference><Types>NetworkVideoTransmitter</Types>`+
			`<XAddrs>http://198.51.100.18:%d/</XAddrs></ProbeMatch></ProbeMatches></e:Body></e:Envelope>`, n, n)
	}
}

// A password that is typed is not shown, and neither is it gone with the terminal's echo when somebody has second thoughts.
func TestDiscoverAsks(t *testing.T) {
	l := startLAN(t, 1)
	known := newSecrets()
	s := l.camera(11, onviftest.Camera{Login: onviftest.Digest, Username: known.user, Password: known.password, Model: "M1", Profiles: profiles("H264")})
	for _, test := range []struct {
		name, answer string
		code         int
		want         string
	}{
		{"and is told", known.password + "\n", 0, "password: ${CAMERA_PASSWORD}"},
		{"and is told nothing", "\n", 0, "the camera wants user name and password"},
		{"and is interrupted", "\x03", 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			terminal := openTerminal(t)
			cmd := exec.Command(agentProgram(t), "discover", "--no-v4l2", "--timeout", "1s", "--interface", l.ours)
			var out, beside bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.near, &out, &beside
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true, Setctty: true}
			must(t, cmd.Start())
			terminal.expect("User name")
			terminal.enter(known.user + "\n")
			terminal.expect("Password")
			terminal.enter(test.answer)
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(out.String(), test.want) {
				t.Errorf("exit code %d, and it prints %s\n%s", code, &out, &beside)
			}
			known.check(t, map[string]string{"terminal": terminal.shown(), "YAML": out.String(), "stderr": beside.String()})
			if state, err := unix.IoctlGetTermios(int(terminal.near.Fd()), unix.TCGETS); err != nil || state.Lflag&unix.ECHO == 0 {
				t.Errorf("the terminal does not show any more what is typed: %v", err)
			}
		})
	}
	if len(s.Seen()) == 0 {
		t.Error("the camera was not asked")
	}
	t.Run("and is told by a file", func(t *testing.T) {
		here, err := os.Getwd()
		must(t, err)
		file := filepath.Join(t.TempDir(), "pass word")
		must(t, os.WriteFile(file, []byte(known.password+"\n"), 0o600))
		file, err = filepath.Rel(here, file) // the YAML needs it whole
		must(t, err)
		code, yaml, beside := discoverCameras(t, "X=", "--timeout=1s", "--interface", l.ours, "--username", known.user, "--password-file", file)
		if code != 0 || !strings.Contains(yaml, "password_file: /") {
			t.Errorf("exit code %d: %s%s", code, beside, yaml)
		}
		checkAccepted(t, yaml, "X=", "m1")
		known.check(t, map[string]string{"YAML": yaml, "stderr": beside})
	})
}

// Where there is nothing, it says where it looked and what to check.
func TestDiscoverNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--interface=lo", "--timeout=100ms"}, 1, "no ONVIF camera answered within 100ms on lo (127.0.0.1)"},
		{[]string{"--interface=lo", "--timeout=100ms"}, 1, "docker run --network host"},
		{[]string{"--interface=nowhere0"}, 64, `no network interface "nowhere0"; there are`},
		{[]string{"--no-onvif"}, 64, "leave one of them out"},
		{[]string{"--timeout=0s"}, 64, "--timeout: write a time"},
		{[]string{"--password-file=x"}, 64, "write --username NAME with it"},
		{[]string{"--username=u", "--password-file=/nowhere/x"}, 64, "no such file"},
	} {
		code, yaml, beside := discoverCameras(t, "X=", test.args...)
		if code != test.code || yaml != "" || !strings.Contains(beside, test.want) {
			t.Errorf("%q: exit code %d, it prints %q and says %s", test.args, code, yaml, beside)
		}
	}
}

// A terminal is one that we sit at.
type terminal struct {
	t         *testing.T
	near, far *os.File // the agent's end, and ours
	mu        sync.Mutex
	text      bytes.Buffer
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	must(t, err)
	number, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	must(t, err)
	must(t, unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0))
	near, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	c := &terminal{t: t, near: near, far: far}
	var running sync.WaitGroup
	running.Go(func() {
		text := make([]byte, 1024)
		for {
			n, err := far.Read(text)
			if err != nil {
				return
			}
			c.mu.Lock()
			c.text.Write(text[:n])
			c.mu.Unlock()
		}
	})
	t.Cleanup(func() { near.Close(); running.Wait(); far.Close() })
	return c
}

// enter types a text, with Enter where it has a line end.
func (c *terminal) enter(text string) {
	c.t.Helper()
	_, err := c.far.WriteString(text)
	must(c.t, err)
}

// expect blocks until the terminal shows a text.
func (c *terminal) expect(text string) {
	c.t.Helper()
	eventually(c.t, "the terminal shows "+text, func() bool { return strings.Contains(c.shown(), text) })
}

func (c *terminal) shown() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}
