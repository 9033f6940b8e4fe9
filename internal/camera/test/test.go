// Package test is the source for trials without a camera: a moving pattern with a clock and a counter, as raw pictures, so that everything from
// the encoder to the answer of the service can be tried.
package test

import (
	"context"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// Source is a moving pattern.
type Source struct{ config Config }

// New returns the source for checked settings.
func New(c Config) *Source { return &Source{c} }

// String implements camera.Source.
func (s *Source) String() string { return "the test pattern" }

// Report implements camera.Reporter.
func (s *Source) Report() camera.Report {
	c := s.config
	return camera.Report{Facts: []camera.Fact{{Name: "pattern", Value: fmt.Sprintf("%dx%d %s, %v pictures a second", c.Width, c.Height, camera.NV12, c.FPS)}}}
}

const hertz = 90_000

// Run implements camera.Source. Picture n is due n periods after the first, so that nothing adds up; one that could only come when the next is
// due is left out, and the counter jumps.
func (s *Source) Run(ctx context.Context, r camera.Receiver) error {
	c := s.config
	scene := newScene(c.Width, c.Height)
	period := time.Duration(float64(time.Second) / c.FPS)
	start := time.Now()
	r.Begin(camera.Format{Codec: camera.NV12, Width: c.Width, Height: c.Height})
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := int64(0); ; n++ {
		due := func() time.Duration { return time.Duration(float64(n) * float64(time.Second) / c.FPS) }
		if late := time.Since(start) - due(); late >= period {
			n += int64(late / period)
		}
		timer.Reset(due() - time.Since(start))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		r.Packet(camera.Packet{Payload: scene.draw(n, time.Now()), Timestamp: uint32(int64(float64(n) * hertz / c.FPS)), Marker: true})
	}
}
