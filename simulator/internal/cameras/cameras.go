package cameras

import (
	"context"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/api"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/control"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/testcamera"
)

// Options say where to listen and where the clips are, or shall be.
type Options struct {
	Listen string // TCP address of RTSP
	Clips  string // folder
	FFmpeg string // program that makes missing clips
	Log    *zap.Logger
}

// A Set is a running RTSP server with all test cameras. Its methods may be called from any goroutine.
type Set struct {
	server *testcamera.Server
	specs  []Spec
}

var (
	_ api.Cameras     = (*Set)(nil)
	_ control.Cameras = (*Set)(nil)
)

// Start makes the clips that are missing, which takes seconds for each, and starts all cameras.
func Start(ctx context.Context, specs []Spec, options Options) (*Set, error) {
	var settings []testcamera.Camera
	for _, spec := range specs {
		options.Log.Debug("preparing a clip", zap.String("camera", spec.Settings.Name), zap.String("clip", spec.Clip.FileName()))
		path, err := clip.Ensure(ctx, options.FFmpeg, options.Clips, spec.Clip)
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", spec.Settings.Name, err)
		}
		camera := spec.Settings
		if camera.Clip, err = clip.Load(path, spec.Clip); err != nil {
			return nil, fmt.Errorf("camera %s: %w", spec.Settings.Name, err)
		}
		settings = append(settings, camera)
	}
	server, err := testcamera.Start(testcamera.Options{Listen: options.Listen, Cameras: settings})
	if err != nil {
		return nil, err
	}
	return &Set{server: server, specs: specs}, nil
}

// Close ends all sessions.
func (s *Set) Close() { s.server.Close() }

// All returns the state of every camera, in the order they were given.
func (s *Set) All() []control.Camera {
	all := make([]control.Camera, 0, len(s.specs))
	for _, spec := range s.specs {
		name := spec.Settings.Name
		all = append(all, control.Camera{
			Name: name, Number: spec.Number, URL: s.server.URL(name), Clip: spec.Clip.Name,
			Counter: s.server.Counter(name), Frames: s.server.Frames(name), Sessions: s.server.Sessions(name),
			Plays: s.server.Plays(name), Refused: s.server.Refused(name),
		})
	}
	return all
}

// Live returns the counter in the newest picture sent by each camera, by the cameras' numbers.
func (s *Set) Live() map[int]int {
	live := map[int]int{}
	for _, spec := range s.specs {
		live[spec.Number] = s.server.Counter(spec.Settings.Name)
	}
	return live
}

// Name returns the name of the camera with a number, "" where there is none.
func (s *Set) Name(number int) string {
	at := slices.IndexFunc(s.specs, func(spec Spec) bool { return spec.Number == number })
	if at < 0 {
		return ""
	}
	return s.specs[at].Settings.Name
}

// Stall keeps a camera's sessions open and sends nothing any more. Like the others it returns false for an unknown name.
func (s *Set) Stall(name string) bool { return s.do(name, func() { s.server.Stall(name) }) }

// Resume ends Stall.
func (s *Set) Resume(name string) bool { return s.do(name, func() { s.server.Resume(name) }) }

// Silence keeps a camera's sessions open and sends nothing to them any more; viewers that come later see it.
func (s *Set) Silence(name string) bool { return s.do(name, func() { s.server.Silence(name) }) }

// Disconnect drops all viewers of a camera.
func (s *Set) Disconnect(name string) bool { return s.do(name, func() { s.server.Disconnect(name) }) }

// SetDown makes a camera refuse all viewers, or take them again.
func (s *Set) SetDown(name string, down bool) bool {
	return s.do(name, func() { s.server.SetDown(name, down) })
}

// SetPassword changes the password for the requests to come.
func (s *Set) SetPassword(name, password string) bool {
	return s.do(name, func() { s.server.SetPassword(name, password) })
}

func (s *Set) do(name string, change func()) bool {
	known := slices.ContainsFunc(s.specs, func(spec Spec) bool { return spec.Settings.Name == name })
	if known {
		change()
	}
	return known
}
