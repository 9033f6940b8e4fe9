package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/demo"
)

type demoCommand struct {
	Simulator     string        `placeholder:"PATH" help:"The overshoot-simulator program. Default: beside this program."`
	LivekitServer string        `placeholder:"PATH" help:"The livekit-server program. Default: beside this program, or in PATH."`
	Clips         string        `placeholder:"DIR" help:"Clips of the test cameras; missing ones are made. Default: in the user's cache."`
	FFmpeg        string        `name:"ffmpeg" default:"ffmpeg" placeholder:"PATH" help:"The ffmpeg program."`
	Seconds       int           `env:"DEMO_SECONDS" default:"0" help:"End after so many seconds; 0: with Ctrl-C."`
	Cameras       string        `default:"front-door=720p30,dock=1080p30" help:"Test cameras, as name=format, comma-separated."`
	Every         time.Duration `default:"1s" help:"From one question to the next."`
	Dir           string        `placeholder:"DIR" help:"Where the files of the demo go, and stay. Default: a new folder."`
}

// Run shows the demo until its time is over or Ctrl-C. A second Ctrl-C ends it at once.
func (c *demoCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	return demo.Run(ctx, demo.Options{
		Simulator: beside(c.Simulator, "overshoot-simulator"), LiveKitServer: beside(c.LivekitServer, "livekit-server"),
		FFmpeg: c.FFmpeg, Clips: c.clips(), Cameras: c.Cameras, Every: c.Every, Duration: time.Duration(c.Seconds) * time.Second,
		Dir: c.Dir, Out: os.Stdout,
	})
}

// beside returns path, or else where the program is: in our folder or wherever the shell would find it.
func beside(path, program string) string {
	if path != "" {
		return path
	}
	if self, err := os.Executable(); err == nil {
		if found, err := exec.LookPath(filepath.Join(filepath.Dir(self), program)); err == nil {
			return found
		}
	}
	return program
}

func (c *demoCommand) clips() string {
	if c.Clips != "" {
		return c.Clips
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "overshoot-agent", "clips")
}
