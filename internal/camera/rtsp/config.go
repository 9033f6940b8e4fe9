package rtsp

import (
	"net/url"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Config is the section of an RTSP camera.
type Config struct {
	URL       string        `yaml:"url"`       // rtsp://host[:port]/path; without user name and password
	Username  string        `yaml:"username"`  // any characters, nothing needs escaping here
	Password  secret.Secret `yaml:"password"`  //
	Transport string        `yaml:"transport"` // tcp, udp or auto (udp, then tcp); tcp by default: it loses nothing and passes firewalls

	parsed *url.URL
}

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{Transport: "tcp"}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	switch c.Transport {
	case "tcp", "udp", "auto":
	default:
		return c, s.Problemf("transport", "%q is no transport: write tcp, udp or auto", c.Transport)
	}
	return c, c.parseURL(s)
}

// parseURL needs no care for credentials: config has moved them from the url to username and password.
func (c *Config) parseURL(s config.Section) error {
	c.URL = strings.TrimSpace(c.URL)
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" {
		return s.Problemf("url", "is not an address: write rtsp://host/path as the camera's manual gives it")
	}
	if u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return s.Problemf("url", "has the scheme %q: an RTSP camera's address starts with rtsp:// or rtsps://", u.Scheme)
	}
	if u.Port() == "" {
		u.Host = strings.TrimSuffix(u.Host, ":") + map[string]string{"rtsp": ":554", "rtsps": ":322"}[u.Scheme]
	}
	c.parsed = u
	return nil
}
