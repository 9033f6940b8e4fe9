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
	"go.uber.org/zap"
)

// Source returns a new source of a camera with all its settings. The plan must have a camera of that name. What the source says besides its
// errors goes to log; scrub takes secrets out of what others say.
func (p *Plan) Source(name string, log *zap.Logger, scrub func(string) string) camera.Source {
	return p.sources[name](log, scrub)
}

// IsAddress tells whether a text is meant as the address of a camera: a URL, or the path of a device.
func IsAddress(text string) bool { return strings.Contains(text, "://") || isDevice(text) }

func isDevice(text string) bool { return strings.HasPrefix(text, "/dev/") }

// SourceAt returns a source for an address alone, with the settings that a camera has by default, and the password that stood in the
// address. No error shows any of it. An address with a user name whose end is not certain is refused.
func SourceAt(address string) (camera.Source, secret.Secret, error) {
	if isDevice(address) {
		source, err := sourceOf(map[string]string{"type": "v4l2", "device": address})
		return source, secret.Secret{}, err
	}
	clean, username, password := secret.SplitUserinfo(address)
	if clean != address && strings.Contains(clean, "@") {
		// What is left may be a part of the password, and must not be looked up as a host.
		return nil, secret.New(address), errors.New("the URL has a second @: in its user name and password write @ as %40, / as %2F, " +
			"? as %3F and # as %23; or put them into a configuration, as username and password")
	}
	settings := map[string]string{"type": "rtsp", "url": clean}
	if username != "" {
		settings["username"] = username
	}
	if !password.IsZero() {
		settings["password"] = password.Reveal()
	}
	source, err := sourceOf(settings)
	return source, password, err
}

// sourceOf makes the source that a configuration with these settings would have.
func sourceOf(settings map[string]string) (camera.Source, error) {
	section, err := sectionOf(settings)
	if err != nil {
		return nil, err
	}
	make, err := newSource(section)
	if problem, ok := errors.AsType[config.Problem](err); ok {
		return nil, fmt.Errorf("the address %s", problem.Text)
	}
	if err != nil {
		return nil, err
	}
	return make(zap.NewNop(), func(text string) string { return text }), nil
}

// sectionOf writes settings as a configuration would. JSON is YAML, and needs no care for special characters.
func sectionOf(settings map[string]string) (config.Section, error) {
	for _, value := range settings {
		if !utf8.ValidString(value) {
			return config.Section{}, errors.New("the address is not UTF-8 text")
		}
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return config.Section{}, err
	}
	return config.ParseSection("command line", string(text))
}
