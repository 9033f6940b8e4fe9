package v4l2

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// Names of facts beside those that sources share.
const (
	factMoved   = "moved"   // to which device, where the camera came back under another number
	factAsked   = "asked"   // what the settings ask for
	factRefused = "refused" // controls that the camera did not take
)

// findings are what attempts find out. The zero value knows nothing yet; all methods may be called by any goroutine.
type findings struct {
	mu    sync.Mutex
	facts []camera.Fact
}

// restart forgets the attempt before.
func (f *findings) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts = nil
}

// add notes a fact.
func (f *findings) add(name, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts = append(f.facts, camera.Fact{Name: name, Value: value})
}

// Report implements camera.Reporter.
func (s *Source) Report() camera.Report {
	s.found.mu.Lock()
	defer s.found.mu.Unlock()
	return camera.Report{Facts: s.found.facts[:len(s.found.facts):len(s.found.facts)]}
}

// opened notes what was opened.
func (s *Source) opened(path string, info kernel.Info) {
	s.found.add(camera.FactServer, fmt.Sprintf("%s (%s, %s)", info.Card, info.Driver, info.Bus))
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	s.found.add(camera.FactAddress, real)
	if path != s.config.Device && s.place.tree.numbered(s.config.Device) {
		s.found.add(factMoved, fmt.Sprintf("the camera of %s came back as %s", s.config.Device, path))
	}
}

// offered notes what there is to choose from.
func (s *Source) offered(o offer) {
	for _, line := range summary(o.modes) {
		s.found.add(camera.FactMedia, line)
	}
	s.found.add(factAsked, s.wish.String())
}

// chosen notes what was taken of it.
func (s *Source) chosen(c choice) {
	s.found.add(camera.FactChosen, c.String())
	if short := s.wish.outcome(c); short != "" {
		s.found.add(camera.FactNearest, short)
	}
}
