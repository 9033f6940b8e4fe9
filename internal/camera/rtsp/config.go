package rtsp

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Config is the section of an RTSP camera.
type Config struct {
	URL       string          `yaml:"url"`       // rtsp[s]://host[:port]/path; without user name and password
	Username  string          `yaml:"username"`  // any characters, nothing needs escaping here
	Password  secret.Secret   `yaml:"password"`  //
	Transport Transport       `yaml:"transport"` // of the video; TCP by default
	Timeout   config.Duration `yaml:"timeout"`   // for the connection and for each answer; 10s by default
	Keepalive Keepalive       `yaml:"keepalive"` // by default as the camera advertises
	TLS       TLS             `yaml:"tls"`       // for rtsps; by default the certificate must be good for the system

	parsed *url.URL
}

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{Transport: TCP, Timeout: config.Duration(10 * time.Second), Keepalive: Keepalive{Method: Advertised}}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if err := c.parseURL(s); err != nil {
		return c, err
	}
	if c.Timeout < config.Duration(time.Second) {
		return c, s.Problemf("timeout", "found %s; write 1s or more", c.Timeout)
	}
	if err := c.Keepalive.check(); err != nil {
		return c, s.Problemf("keepalive", "%s", err)
	}
	return c, c.checkTLS(s)
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
	if u.Query().Has("enableSrtp") {
		return s.Problemf("url", "asks for SRTP; remove ?enableSrtp, rtsps:// already encrypts the video")
	}
	if u.Port() == "" {
		u.Host = strings.TrimSuffix(u.Host, ":") + map[string]string{"rtsp": ":554", "rtsps": ":322"}[u.Scheme]
	}
	c.parsed = u
	return nil
}

func (c *Config) checkTLS(s config.Section) error {
	if c.parsed.Scheme != "rtsps" && c.TLS != (TLS{}) {
		return s.Problemf("tls", "is for encrypted connections; write rtsps:// in the url, or remove tls")
	}
	if err := c.TLS.check(s.Path(c.TLS.CAFile)); err != nil {
		return s.Problemf("tls", "%s", err)
	}
	c.TLS.CAFile = s.Path(c.TLS.CAFile)
	return nil
}

// Transport says how the video travels.
type Transport string

// The transports.
const (
	TCP  Transport = "tcp"  // inside the connection: nothing is lost, and firewalls let it pass
	UDP  Transport = "udp"  // beside it: for links that lose packets and cannot wait
	Auto Transport = "auto" // TCP, and UDP with the cameras that refuse it
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Transport) UnmarshalText(text []byte) error {
	switch *t = Transport(text); *t {
	case TCP, UDP, Auto:
		return nil
	}
	return errors.New("write tcp, udp or auto")
}

// Keepalive says how the camera is told that somebody still watches.
type Keepalive struct {
	Method   KeepaliveMethod `yaml:"method"`
	Interval config.Duration `yaml:"interval"` // whole seconds; by default half the time after which the camera says it ends sessions
}

func (k Keepalive) check() error {
	const second = config.Duration(time.Second)
	switch {
	case k.Interval == 0:
		return nil
	case k.Method == Off:
		return errors.New("found an interval with method off; remove one of them")
	case k.Interval < second || k.Interval%second != 0:
		return errors.New("found an interval of " + k.Interval.String() + "; write whole seconds, 1s or more")
	}
	return nil
}

// KeepaliveMethod is the request that keeps a session.
type KeepaliveMethod string

// The methods.
const (
	Advertised   KeepaliveMethod = "auto" // GET_PARAMETER when the camera lists it among its methods, else OPTIONS
	Options      KeepaliveMethod = "options"
	GetParameter KeepaliveMethod = "get_parameter"
	Off          KeepaliveMethod = "off"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *KeepaliveMethod) UnmarshalText(text []byte) error {
	switch *m = KeepaliveMethod(text); *m {
	case Advertised, Options, GetParameter, Off:
		return nil
	}
	return errors.New("write auto, options, get_parameter or off")
}
