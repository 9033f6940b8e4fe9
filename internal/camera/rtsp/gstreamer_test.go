package rtsp_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"image"
	"image/jpeg"
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
func startGStreamer(t *testing.T, clip, payloader, login, certificate string) *gstreamer {
	t.Helper()
	// Not the python3 of the PATH: the one that Debian's packages of GStreamer are for.
	server := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/gstreamer.py", clip, payloader, login, password, certificate)
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

// clip makes 30 s of video.
func clip(t *testing.T, encoder ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	arguments := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", "30", "-g", "25", "-c:v"}
	make := exec.CommandContext(t.Context(), "ffmpeg", slices.Concat(arguments, encoder, []string{path})...)
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s; `make deps` installs ffmpeg", err, out)
	}
	return path
}

func TestGStreamer(t *testing.T) {
	video := clip(t, "libx264", "-preset", "ultrafast", "-bf", "0", "-pix_fmt", "yuv420p")
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
			g := startGStreamer(t, video, "rtph264pay", tc.login, tc.certificate)
			v, stop, ended := run(t, sourceOf(t, "url: "+tc.scheme+"://"+g.address+"/live"+tc.settings))
			if p := next(t, v.begun, ended); len(p.Sets) != 2 || len(p.Sets[0]) < 4 || len(p.Sets[1]) < 2 {
				t.Errorf("the parameter sets are %x", p.Sets)
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
		g := startGStreamer(t, video, "rtph264pay", "digest", "")
		_, _, ended := run(t, source(t, g.address, "/live", "canary-wrong"))
		wantFault(t, <-ended, camera.Auth, "401")
	})
	t.Run("no such path", func(t *testing.T) {
		g := startGStreamer(t, video, "rtph264pay", "none", "")
		_, _, ended := run(t, source(t, g.address, "/other", password))
		wantFault(t, <-ended, camera.NotFound, "404")
	})
}

// What another hand packed arrives as it should, of each codec that needs work before a room can show it.
func TestCodecsOfGStreamer(t *testing.T) {
	t.Run("H.265", func(t *testing.T) {
		t.Parallel()
		g := startGStreamer(t, clip(t, "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1"), "rtph265pay", "none", "")
		v, _, ended := run(t, sourceOf(t, "url: rtsp://"+g.address+"/live"))
		if f := next(t, v.begun, ended); f.Codec != camera.H265 || len(f.Sets) != 3 {
			t.Errorf("the format is %s with %d sets", f.Codec, len(f.Sets))
		}
		for pictures := 0; pictures < 20; {
			p := next(t, v.packets, ended)
			if p.Lost != 0 {
				t.Errorf("%d packets got lost", p.Lost)
			}
			if p.Marker {
				pictures++
			}
		}
	})
	t.Run("MJPEG", func(t *testing.T) {
		t.Parallel()
		// RFC 2435 carries the usual Huffman tables only.
		g := startGStreamer(t, clip(t, "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p"), "rtpjpegpay", "none", "")
		v, _, ended := run(t, sourceOf(t, "url: rtsp://"+g.address+"/live"))
		if f := next(t, v.begun, ended); f.Codec != camera.MJPEG || len(f.Sets) != 0 {
			t.Errorf("the format is %s with %d sets", f.Codec, len(f.Sets))
		}
		for range 20 {
			p := next(t, v.packets, ended)
			picture, err := jpeg.Decode(bytes.NewReader(p.Payload))
			if err != nil || picture.Bounds() != image.Rect(0, 0, 320, 240) || p.Lost != 0 {
				t.Fatalf("a picture of %d bytes after %d lost: %v", len(p.Payload), p.Lost, err)
			}
		}
	})
}
