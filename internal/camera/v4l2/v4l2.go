// Package v4l2 is the source for cameras that are plugged into this computer: USB cameras, capture cards, and those of a board whose driver
// gives finished pictures.
//
// It speaks with the kernel through internal/v4l2, and says what of it to use: which device is meant (identity.go, locate.go), in which of its
// formats it is to deliver (negotiate.go, offer.go, pixel.go), what a buffer holds and when it was taken (delivery.go, layout.go, sequence.go,
// stamp.go, pace.go), how to wait for a camera that was unplugged (locate.go) and to leave a driver that hangs (tether.go), and in plain words
// what it found (report.go) and why a camera cannot be used (diagnose.go, holder.go). A visit (visit.go) is one attempt with all of that.
package v4l2

import (
	"context"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// Source is one camera behind a video device.
type Source struct {
	config Config
	wish   wish
	place  place
	tether tether
	found  findings
}

// New returns the source for checked settings.
func New(c Config) *Source {
	return &Source{config: c, wish: c.wish(), place: place{device: c.Device, tree: system, news: plugged}}
}

// String implements camera.Source.
func (s *Source) String() string { return s.config.Device }

// Run implements camera.Source. It ends within a second of ctx, also where a driver hangs.
func (s *Source) Run(ctx context.Context, r camera.Receiver) error {
	s.found.restart()
	path, err := s.place.locate()
	if err != nil {
		return s.fault(s.config.Device, "", err)
	}
	return s.tether.run(ctx, r, func(r camera.Receiver) error {
		v := &visit{source: s, to: r}
		return v.run(ctx, path)
	})
}

// Await implements camera.Awaiter: a camera that was unplugged is found a moment after it is plugged in again.
func (s *Source) Await(ctx context.Context) { s.place.await(ctx) }
