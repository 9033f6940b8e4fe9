package rtsp

import (
	"net/url"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Config is the section of an RTSP camera.
type Config struct {
	URL       string        `yaml:"url"`       // rtsp://host[:port]/path; user name and password may stand in it or apart
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

func (c *Config) parseURL(s config.Section) error {
	text, user, password := splitUserinfo(c.URL)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return s.Problemf("url", "is not an address: write rtsp://host/path as the camera's manual gives it")
	}
	if u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return s.Problemf("url", "has the scheme %q: an RTSP camera's address starts with rtsp:// or rtsps://", u.Scheme)
	}
	if u.Port() == "" {
		u.Host += map[string]string{"rtsp": ":554", "rtsps": ":322"}[u.Scheme]
	}
	if user != "" && c.Username != "" {
		return s.Problemf("username", "stands in the url as well: give it once")
	}
	if user != "" {
		c.Username, c.Password = user, secret.New(password)
	}
	c.URL, c.parsed = strings.TrimSpace(text), u
	return nil
}
