package exec_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"go.uber.org/zap"
)

// write writes a file of a test and returns its name.
func write(t testing.TB, text string, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFailuresInPlainWords(t *testing.T) {
	mp4 := write(t, "\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41", 0o600)
	video := clip(t, "h264")
	for name, c := range map[string]struct {
		text, says, advice string
		reason             camera.Reason
	}{
		"no program": {
			"command: [no-such-program]", "starting no-such-program: there is no program of that name", "install it", camera.NotFound,
		},
		"no file": {
			"command: [/nowhere/at/all]", "starting all: /nowhere/at/all: no such file or directory", "check the path", camera.NotFound,
		},
		"not executable": {
			"command: [" + write(t, "#!/bin/sh\n", 0o600) + "]", "program: permission denied", "chmod +x", camera.NotFound,
		},
		"no interpreter": {
			"command: [" + write(t, "#!/nowhere/sh\n", 0o700) + "]", "no such file or directory", "interpreter", camera.NotFound,
		},
		"no program inside": {
			"command: [" + write(t, "echo hello\n", 0o700) + "]", "exec format error", "#!/bin/sh", camera.NotFound,
		},
		"no folder": {
			"command: [sh]\ndir: /nowhere", "starting sh in /nowhere: no such file or directory", "`dir`", camera.NotFound,
		},
		"no folder but a file": {
			"command: [sh]\ndir: " + video, "starting sh in " + video + ": not a directory", "`dir`", camera.NotFound,
		},
		"dies at once": {
			script("echo the lens is dirty >&2; exit 3"), "sh ended with exit status 3; it said: the lens is dirty", "by hand", camera.Unreachable,
		},
		"dies without a word": {
			script("exit 0"), "sh ended by itself; it did not say why", "by hand", camera.Unreachable,
		},
		"says why on the wrong channel": {
			script("echo oops"), `sh ended by itself; it wrote text ("oops"); it did not say why`, "by hand", camera.Unreachable,
		},
		"dies of a signal": {
			script("kill -SEGV $$"), "sh ended with signal: segmentation fault", "by hand", camera.Unreachable,
		},
		"ends after some video": {
			script("cat " + video), "sh ended by itself; it did not say why", "", camera.Closed,
		},
		"faster than time": { // as ffmpeg does it without -re
			script("while :; do cat " + video + "; sleep 0.05; done"), "faster than any camera", "-re before -i", camera.Protocol,
		},
		"no camera": {
			script("echo 'ERROR: *** no cameras available ***' >&2; exit 255"), "no cameras available", "ribbon cable", camera.Unreachable,
		},
		"busy": {
			script("echo 'Pipeline handler in use by another process' >&2; exit 255"), "exit status 255", "another program", camera.Busy,
		},
		"text": {
			script("echo Setting pipeline to PAUSED ...; sleep 1000"),
			`sh writes no H.264 byte stream and no MPEG-TS, but text ("Setting pipeline to PAUSED ...")`, "gst-launch-1.0: -q", camera.Protocol,
		},
		"MP4": {
			script("cat " + mp4 + "; sleep 1000"), "sh writes no H.264 byte stream and no MPEG-TS, but MP4", "-f mpegts", camera.WrongCodec,
		},
		"MJPEG": {
			script("ffmpeg -v error -re -f lavfi -i testsrc2 -c:v mjpeg -f mjpeg -"), "but JPEG", "-f mpegts", camera.WrongCodec,
		},
		"MPEG-2": {
			script("ffmpeg -v error -re -f lavfi -i testsrc2 -c:v mpeg2video -f mpegts -"),
			"sh gives no usable video: the MPEG-TS holds no H.264 or H.265, but MPEG-2 video", "libx264", camera.WrongCodec,
		},
		"silent": {
			script("sleep 1000") + "timeout: 1s", "sh runs, but wrote nothing for 1s", "standard output", camera.Stalled,
		},
		"waits for something": {
			script("echo waiting for the sun >&2; sleep 1000") + "timeout: 1s", "sh runs, but wrote nothing for 1s; it said: waiting for the sun", "standard output", camera.Stalled,
		},
		"no pictures": {
			script("while :; do head -c 1000 /dev/zero | tr '\\0' x; sleep 0.05; done") + "timeout: 1s\nformat: h264", "but no whole picture", "format", camera.Stalled,
		},
		"closes its output": {
			script("exec 1>&-; sleep 1000"), "sh: it closed its standard output and goes on without it; it did not say why", "by hand", camera.Unreachable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := runParallel(t, c.text)
			fault, ok := errors.AsType[*camera.Fault](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(fault.Err.Error(), c.says) || !strings.Contains(fault.Advice, c.advice) || fault.Reason != c.reason || c.advice == "" && fault.Advice != "" {
				t.Errorf("got %s: %v\nadvice: %s", fault.Reason, fault.Err, fault.Advice)
			}
		})
	}
}

func runParallel(t *testing.T, text string) error {
	t.Helper()
	source, _ := open(t, text)
	return source.Run(t.Context(), &screen{})
}

func TestSecretsStayInside(t *testing.T) {
	source, logs := open(t, "command: [sh, -c, 'echo connecting to rtsp://me:canary@cam >&2; echo canary; exit 1', canary]\nenv: {TOKEN: canary, OTHER: canary}")
	err := source.Run(t.Context(), &screen{})
	all := fmt.Sprint(err, source, source.Report())
	for _, entry := range logs.All() {
		all += fmt.Sprint(entry.Message, entry.ContextMap())
	}
	if strings.Contains(all, "canary") || !strings.Contains(all, "connecting to rtsp://me:<secret>@cam") {
		t.Errorf("got %s", all)
	}
}

func TestTheEnvironmentIsConfined(t *testing.T) {
	t.Setenv("OVERSHOOT_API_KEY", "not for programs")
	out := filepath.Join(t.TempDir(), "env")
	source, _ := open(t, script("env >"+out+"; pwd >>"+out+"; cat >>"+out)+"env: {CAMERA: '7'}")
	if err := source.Run(t.Context(), &screen{}); err == nil {
		t.Error("no error")
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); !strings.Contains(s, "CAMERA=7\n") || !strings.Contains(s, "PATH=") || strings.Contains(s, "OVERSHOOT") {
		t.Errorf("got %s", s)
	}
}

// What a program says must neither stop it nor fill the log.
func TestAProgramThatTalksWithoutEnd(t *testing.T) {
	video := clip(t, "h264")
	r := start(t, script("i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; cat "+video+"; sleep 1000"))
	eventually(t, "pictures", func() bool { return r.count() >= 49 })
	_ = r.stop()
	warned := r.logs.FilterLevelExact(zap.WarnLevel).Len()
	if warned < 2 || warned > 50 {
		t.Errorf("%d entries in the log", warned)
	}
}
