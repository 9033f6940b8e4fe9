package app

import (
	"path/filepath"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
)

// outputClashes says which sinks write to the same place. Two at one file would each take the line that the other is writing for one that a
// power cut tore, and cut it off; two at standard output would write into each other's lines.
func outputClashes(c *config.Config) (problems config.Problems) {
	others := map[string]string{} // sinks by where they write
	for _, s := range c.Sinks {
		place := outputOf(s)
		if other, taken := others[place]; taken && place != "" {
			key := map[string]string{"file": "path", "stdout": "type"}[s.Section.Type]
			problems = append(problems, s.Section.Problemf(key, "the sink %q writes there already; have the watches use that one, or write elsewhere", other))
		}
		others[place] = s.Name
	}
	return problems
}

// outputOf returns where a sink writes on this machine, "" for nowhere. What is wrong with it is told elsewhere.
func outputOf(s config.Sink) string {
	switch s.Section.Type {
	case "stdout":
		return s.Section.Type
	case "file":
		if one, err := file.Decode(s.Section); err == nil {
			path, _ := filepath.Abs(one.Path) // fails where there is no working folder: then the sink will tell
			return path
		}
	}
	return ""
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
