package livekit_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/livekit"
)

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("LIVEKIT_SERVER")
	if path == "" {
		t.Fatal("LIVEKIT_SERVER must be the path of the livekit-server program that the simulator uses (build it in simulator/livekit-server)")
	}
	return path
}

func start(t *testing.T) *livekit.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := livekit.Start(ctx, livekit.Options{Binary: binary(t), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// answers says whether the server answers within the given time.
func answers(t *testing.T, server *livekit.Server, within time.Duration) bool {
	t.Helper()
	client := http.Client{Timeout: within}
	response, err := client.Get(server.HTTPURL())
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func TestKillAndRestart(t *testing.T) {
	server := start(t)
	url, secret, pid := server.URL(), server.APISecret(), server.PID()
	if !answers(t, server, 10*time.Second) {
		t.Error("no answer after Start")
	}
	server.Kill()
	if answers(t, server, 10*time.Second) {
		t.Error("an answer after Kill")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !answers(t, server, 10*time.Second) {
		t.Error("no answer after Restart")
	}
	if server.URL() != url || server.APISecret() != secret || server.PID() == pid {
		t.Errorf("after Restart: %s, pid %d; before: %s, pid %d; same secret: %v", server.URL(), server.PID(), url, pid, server.APISecret() == secret)
	}
}

func TestPauseAndResume(t *testing.T) {
	server := start(t)
	server.Pause()
	if answers(t, server, 200*time.Millisecond) {
		t.Error("a frozen server answers")
	}
	server.Resume()
	if !answers(t, server, 10*time.Second) {
		t.Error("no answer after Resume")
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	server := start(t)
	sockets, found := socketsOf(t, server.PID()), 0
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for _, local := range localAddresses(t, table, sockets) {
			found++
			if !strings.HasPrefix(local, "0100007F:") { // 127.0.0.1 in the kernel's notation
				t.Errorf("%s socket bound to %s", table, local)
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d sockets found, want HTTP, media and STUN", found)
	}
}

// socketsOf returns the inodes of the sockets of a process.
func socketsOf(t *testing.T, pid int) map[string]bool {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]bool{}
	for _, entry := range entries {
		target, _ := os.Readlink(filepath.Join(folder, entry.Name()))
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			sockets[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return sockets
}

// localAddresses returns the local addresses, in the kernel's notation, of those sockets that stand in a table of /proc/net.
func localAddresses(t *testing.T, table string, sockets map[string]bool) []string {
	t.Helper()
	content, err := os.ReadFile("/proc/net/" + table)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 9 && sockets[fields[9]] {
			addresses = append(addresses, fields[1])
		}
	}
	return addresses
}

func TestServerThatEndsIsReported(t *testing.T) {
	if _, err := livekit.Start(t.Context(), livekit.Options{Binary: "/bin/false"}); err == nil || !strings.Contains(err.Error(), "ended at once: exit status 1") {
		t.Errorf("got %v", err)
	}
	if _, err := livekit.Start(t.Context(), livekit.Options{Binary: "/nonexistent"}); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("got %v", err)
	}
}
