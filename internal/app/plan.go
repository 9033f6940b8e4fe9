package app

import (
	"errors"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// A Plan is a configuration with everything made that can fail on account of what it says. Making it touches nothing.
type Plan struct {
	Config   *config.Config
	Warnings []config.Warning

	sources map[string]makeSource // by camera
	sinks   map[string]makeSink   // by name
}

// Load reads a configuration file and plans it. All that is wrong with it is in the one error, as config.Problems.
func Load(path string, opts config.Options) (*Plan, error) {
	c, warnings, err := config.Load(path, opts)
	if err != nil {
		return nil, err
	}
	p := &Plan{Config: c, Warnings: warnings, sources: map[string]makeSource{}, sinks: map[string]makeSink{}}
	var problems config.Problems
	for _, cam := range c.Cameras {
		source, err := newSource(cam.Source)
		problems = collect(problems, err)
		p.sources[cam.Name] = source
	}
	for _, s := range c.Sinks {
		make, warned, err := newSink(s.Section)
		problems = collect(problems, err)
		p.sinks[s.Name] = make
		p.Warnings = append(p.Warnings, warned...)
	}
	problems = append(append(problems, mqttClashes(c)...), outputClashes(c)...)
	if len(problems) > 0 {
		return nil, problems
	}
	return p, nil
}

// collect adds what is wrong with one section.
func collect(all config.Problems, err error) config.Problems {
	if several, ok := errors.AsType[config.Problems](err); ok {
		return append(all, several...)
	}
	if one, ok := errors.AsType[config.Problem](err); ok {
		return append(all, one)
	}
	return all
}
