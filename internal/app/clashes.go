package app

import (
	"path/filepath"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
)

// fileClashes says which file sinks write to the same files: each would take the line that the other is writing for one that a power cut
// tore, and cut it off.
func fileClashes(c *config.Config) (problems config.Problems) {
	others := map[string]string{} // sinks by path
	for _, s := range c.Sinks {
		if s.Section.Type != "file" {
			continue
		}
		one, err := file.Decode(s.Section)
		if err != nil {
			continue // it is told elsewhere
		}
		path, err := filepath.Abs(one.Path)
		if err != nil {
			continue
		}
		if other, taken := others[path]; taken {
			problems = append(problems, s.Section.Problemf("path", "is that of the sink %q; write another one, or have the watches use that sink", other))
		}
		others[path] = s.Name
	}
	return problems
}

// mqttClashes says which MQTT sinks get in each other's way at their broker. What is wrong with one alone is told elsewhere.
func mqttClashes(c *config.Config) (problems config.Problems) {
	others := map[string]mqtt.Config{}
	for _, s := range c.Sinks {
		if s.Section.Type != "mqtt" {
			continue
		}
		one, err := mqtt.Decode(s.Section)
		if err != nil {
			continue
		}
		for name, other := range others {
			if setting := mqtt.Clash(one, s.Name, other, name); setting != "" {
				problems = append(problems, s.Section.Problemf(setting, "is that of the sink %q at the same broker; write another one", name))
				break
			}
		}
		others[s.Name] = one
	}
	return problems
}
