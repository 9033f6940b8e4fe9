package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestFlagsAreChecked(t *testing.T) {
	for args, hint := range map[string]string{
		"":                                     "--livekit-server",
		"--livekit-server x --set ttl=5":       "no switch is called",
		"--livekit-server x --set ttl_seconds": "switch=value",
		"--livekit-server x --cameras door=4k": "--cameras",
		"--livekit-server x --camera-password door=a:b":     "no such camera",
		"--livekit-server x --key main=a --key main=b":      "already taken",
		"--livekit-server x --key main=secret,colour=1":     "user=USER",
		"--livekit-server x --key main=secret,max_streams=": "not a count",
		"--livekit-server x extra":                          "extra",
		"--livekit-server x --log-level loud":               "loud",
	} {
		_, err := parseFlags(strings.Fields(args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), hint) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want a hint of %q", args, err, hint)
		}
	}
	s, err := parseFlags(strings.Fields("--livekit-server x --key a=1,user=u,max_streams=5 --key b=2 --set ttl_seconds=6 --no-decode"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := s.keys.Authenticate("Bearer 1")
	if !ok || key.User != "u" || key.MaxStreams != 5 || len(s.keys.Names()) != 2 || s.switches.Int("ttl_seconds") != 6 || s.decode {
		t.Errorf("got %+v, key %s of %s", s, key.Name, key.User)
	}
}

// The whole simulator starts, says where it is, serves, and leaves nothing behind when its parent goes.
func TestSimulatorServesUntilItsParentGoes(t *testing.T) {
	binary := os.Getenv("LIVEKIT_SERVER")
	if binary == "" {
		t.Fatal("LIVEKIT_SERVER must be the path of the livekit-server program that the simulator uses (build it in simulator/livekit-server)")
	}
	stdin, parent := io.Pipe()
	out, stdout := io.Pipe()
	code := make(chan int)
	go func() {
		code <- run([]string{"--livekit-server", binary, "--exit-with-parent", "--log-level", "warn", "--set", "max_streams_per_key=5"}, stdin, stdout)
		_ = stdout.Close()
	}()
	var ready struct {
		Event, API, Control string
		LiveKit             struct{ PID int }
		Keys                []string
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &ready) != nil || ready.Event != "ready" || len(ready.Keys) != 1 || ready.Keys[0] != "main" {
		t.Fatalf("ready line: %s, %v", line, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ready.API+"/streams", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer ovs-simulator-key")
	for _, want := range []struct {
		request *http.Request
		status  int
	}{{request, http.StatusCreated}, {get(t, ready.Control+"/state"), http.StatusOK}, {get(t, ready.API+"/models"), http.StatusOK}} {
		response, err := http.DefaultClient.Do(want.request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want.status {
			t.Errorf("%s: got %d, want %d", want.request.URL, response.StatusCode, want.status)
		}
	}
	_ = parent.Close()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
	if syscall.Kill(ready.LiveKit.PID, 0) == nil {
		t.Error("livekit-server still runs")
	}
}

// Cameras alone need no livekit-server, and end like everything else.
func TestCamerasAlone(t *testing.T) {
	stdin, parent := io.Pipe()
	out, stdout := io.Pipe()
	code := make(chan int)
	go func() {
		code <- run([]string{"--only-cameras", "--cameras", "door=180p15", "--clips", t.TempDir(), "--exit-with-parent", "--log-level", "warn"}, stdin, stdout)
		_ = stdout.Close()
	}()
	var ready struct {
		Event   string
		Cameras []struct{ URL string }
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &ready) != nil || ready.Event != "ready" || len(ready.Cameras) != 1 {
		t.Fatalf("ready line: %s, %v", line, err)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(ready.Cameras[0].URL, "rtsp://"), "/door")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = parent.Close()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}
