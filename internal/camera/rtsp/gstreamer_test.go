package rtsp_test

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// gstreamer is a camera made with the RTSP server of GStreamer, which shares no code with our client.
type gstreamer struct {
	address string
	says    *bufio.Scanner
}

// startGStreamer needs what `make deps` installs.
func startGStreamer(t *testing.T, clip, login, certificate string) *gstreamer {
	t.Helper()
	// Not the python3 of the PATH: the one that Debian's packages of GStreamer are for.
	server := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/gstreamer.py", clip, login, password, certificate)
	server.Stderr = os.Stderr
	output, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("%v; `make deps` installs it", err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	g := &gstreamer{says: bufio.NewScanner(output)}
	g.address = "127.0.0.1:" + g.line(t)
	return g
}

func (g *gstreamer) line(t *testing.T) string {
	t.Helper()
	if !g.says.Scan() {
		t.Fatal("the RTSP server of GStreamer ended; `make deps` installs what it needs")
	}
	return g.says.Text()
}

// clip makes 30 s of H.264.
func clip(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	make := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", "30",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25", "-pix_fmt", "yuv420p", path)
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s; `make deps` installs ffmpeg", err, out)
	}
	return path
}

func TestGStreamer(t *testing.T) {
	video := clip(t)
	shown := certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	key, err := x509.MarshalPKCS8PrivateKey(shown.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	keyAndCertificate := filepath.Join(t.TempDir(), "camera.pem")
	text := slices.Concat(
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: shown.Certificate[0]}),
	)
	if err := os.WriteFile(keyAndCertificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const login = "\nusername: admin\npassword: '" + password + "'"
	for name, tc := range map[string]struct{ login, certificate, scheme, settings string }{
		"open":           {"none", "", "rtsp", ""},
		"basic":          {"basic", "", "rtsp", login},
		"digest":         {"digest", "", "rtsp", login},
		"UDP":            {"digest", "", "rtsp", login + "\ntransport: udp"},
		"auto":           {"digest", "", "rtsp", login + "\ntransport: auto"},
		"TLS and digest": {"digest", keyAndCertificate, "rtsps", login + "\ntls: {fingerprint: " + fingerprint(shown) + "}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they play at the speed of life
			g := startGStreamer(t, video, tc.login, tc.certificate)
			v, stop, ended := run(t, sourceOf(t, "url: "+tc.scheme+"://"+g.address+"/live"+tc.settings))
			if p := next(t, v.begun, ended); len(p.Sets[0]) < 4 || len(p.Sets[1]) < 2 {
				t.Errorf("the parameter sets are %x and %x", p.Sets[0], p.Sets[1])
			}
			for pictures := 0; pictures < 40; { // more than a second
				if next(t, v.packets, ended).Marker {
					pictures++
				}
			}
			stop()
			<-ended
			if got := g.line(t); got != "teardown" {
				t.Errorf("it says %q", got)
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		g := startGStreamer(t, video, "digest", "")
		_, _, ended := run(t, source(t, g.address, "/live", "canary-wrong"))
		wantFault(t, <-ended, camera.Auth, "401")
	})
	t.Run("no such path", func(t *testing.T) {
		g := startGStreamer(t, video, "none", "")
		_, _, ended := run(t, source(t, g.address, "/other", password))
		wantFault(t, <-ended, camera.NotFound, "404")
	})
}
