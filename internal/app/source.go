package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Source returns the source of a camera with all its settings, nil when the plan has no camera of that name.
func (p *Plan) Source(name string) camera.Source { return p.sources[name] }

// SourceAt returns a source for an address alone, with the settings that a camera has by default, and the password that stood in the
// address. No error shows any of it. An address with a user name whose end is not certain is refused.
func SourceAt(address string) (camera.Source, secret.Secret, error) {
	clean, username, password := secret.SplitUserinfo(address)
	if clean != address && strings.Contains(clean, "@") {
		// What is left may be a part of the password, and must not be looked up as a host.
		return nil, secret.New(address), errors.New("the URL has a second @: in its user name and password write @ as %40, / as %2F, " +
			"? as %3F and # as %23; or put them into a configuration, as username and password")
	}
	section, err := sectionOf(clean, username, password)
	if err != nil {
		return nil, password, err
	}
	source, err := newSource(section)
	if problem, ok := errors.AsType[config.Problem](err); ok {
		return nil, password, fmt.Errorf("the URL %s", problem.Text)
	}
	return source, password, err
}

// sectionOf writes what a configuration with this address would say. JSON is YAML, and needs no care for special characters.
func sectionOf(address, username string, password secret.Secret) (config.Section, error) {
	settings := map[string]string{"type": "rtsp", "url": address}
	if username != "" {
		settings["username"] = username
	}
	if !password.IsZero() {
		settings["password"] = password.Reveal()
	}
	for _, value := range settings {
		if !utf8.ValidString(value) {
			return config.Section{}, errors.New("the URL is not UTF-8 text")
		}
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return config.Section{}, err
	}
	return config.ParseSection("command line", string(text))
}
