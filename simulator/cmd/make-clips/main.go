// Command make-clips makes the clips that the test cameras play. Clips that are there already are left alone.
//
//	make-clips --dir DIR [--ffmpeg PATH] FORMAT:CAMERA...
//
// FORMAT is 1080p30, 720p30 or 360p30; CAMERA is the number burned into the pictures, 0 to 15.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
)

func main() { os.Exit(run()) }

func run() int {
	dir := flag.String("dir", "", "folder that the clips go to")
	ffmpeg := flag.String("ffmpeg", "ffmpeg", "ffmpeg program with libx264")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: make-clips --dir DIR [--ffmpeg PATH] FORMAT:CAMERA...   such as 720p30:1 1080p30:2")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *dir == "" || flag.NArg() == 0 {
		flag.Usage()
		return 2
	}
	specs, err := parseSpecs(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "make-clips:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := ensureAll(ctx, *ffmpeg, *dir, specs); err != nil {
		fmt.Fprintln(os.Stderr, "make-clips:", err)
		return 1
	}
	return 0
}

// ensureAll makes one clip after the other: the coder keeps all cores busy by itself.
func ensureAll(ctx context.Context, ffmpeg, dir string, specs []clip.Spec) error {
	for i, spec := range specs {
		fmt.Printf("clip %d of %d: %s, camera %d ... ", i+1, len(specs), spec.Name, spec.Camera)
		start := time.Now()
		path, err := clip.Ensure(ctx, ffmpeg, dir, spec)
		if err != nil {
			fmt.Println("failed")
			return err
		}
		fmt.Printf("%s (%.1f s)\n", path, time.Since(start).Seconds())
	}
	return nil
}

func parseSpecs(args []string) ([]clip.Spec, error) {
	formats := map[string]func(camera int) clip.Spec{"1080p30": clip.FullHD, "720p30": clip.HD, "360p30": clip.Small}
	specs := make([]clip.Spec, 0, len(args))
	var problems []error
	for _, arg := range args {
		format, number, _ := strings.Cut(arg, ":")
		camera, err := strconv.Atoi(number)
		spec, known := formats[format]
		if err != nil || !known {
			problems = append(problems, fmt.Errorf("%q: want FORMAT:CAMERA, such as 720p30:1", arg))
			continue
		}
		specs = append(specs, spec(camera))
	}
	return specs, errors.Join(problems...)
}
