package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A simulator is the running simulator and what it said when it was ready.
type simulator struct {
	*child
	ready ready
}

// ready is the line that the simulator prints when all of it is up; simulator/README.md describes it.
type ready struct {
	API     string `json:"api"`
	Control string `json:"control"`
	Cameras []struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"cameras"`
}

// startSimulator blocks until the simulator is ready. That takes a second, and up to minutes when clips have to be made first, which
// progress is told.
func startSimulator(ctx context.Context, o Options, dir string, progress func(string)) (*simulator, error) {
	args := []string{"--livekit-server", o.LiveKitServer, "--ffmpeg", o.FFmpeg, "--cameras", o.Cameras, "--clips", o.Clips, "--exit-with-parent"}
	cmd := exec.Command(o.Simulator, args...)
	if _, err := cmd.StdinPipe(); err != nil { // open as long as we live
		return nil, err
	}
	output, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd.Stdout = stdout
	c, err := start("simulator", cmd, filepath.Join(dir, "simulator.log"))
	_ = stdout.Close()
	if err != nil {
		return nil, err
	}
	s := &simulator{child: c}
	if err := s.await(ctx, output, o.Clips, progress); err != nil {
		_ = s.stop(patience)
		return nil, err
	}
	return s, nil
}

// await reads the ready line.
func (s *simulator) await(ctx context.Context, output *os.File, clips string, progress func(string)) error {
	line := make(chan []byte, 1)
	go func() { // ends with the pipe, which we close when the caller returns
		text, _ := bufio.NewReader(output).ReadBytes('\n')
		line <- text
	}()
	began := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case text := <-line:
			if err := json.Unmarshal(text, &s.ready); err != nil {
				<-s.ended
				return s.failure()
			}
			return nil
		case <-s.ended:
			return s.failure()
		case <-tick.C:
			if name, size := clipInWork(clips); name != "" {
				progress(fmt.Sprintf("making clip %s for a test camera, %d MB so far, %.0f s", name, size>>20, time.Since(began).Seconds()))
			}
		case <-ctx.Done():
			return errors.New("the demo was ended before it had begun")
		}
	}
}

// clipInWork returns the clip that the simulator is writing, if any, and how many bytes of it there are. A clip has a name of its own with
// ".part" at the end until it is complete.
func clipInWork(dir string) (name string, size int64) {
	parts, _ := filepath.Glob(filepath.Join(dir, "*.part")) // fails on a bad pattern only
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil && time.Since(info.ModTime()) < time.Minute {
			name, _, _ = strings.Cut(filepath.Base(part), ".h264")
			return name, info.Size()
		}
	}
	return "", 0
}
