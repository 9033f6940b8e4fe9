package mqtt

import (
	"net/url"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/clienttls"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Config is the section of an MQTT sink.
type Config struct {
	URL       secret.Secret      `yaml:"url"`       // mqtt, mqtts, ws or wss://host[:port][/path]; a path of a websocket may be secret
	Username  string             `yaml:"username"`  // with Password: who we are
	Password  secret.Secret      `yaml:"password"`  //
	ClientID  string             `yaml:"client_id"` // overshoot-agent-{agent}-{sink} by default; no two clients of a broker may have the same
	Topic     Topic              `yaml:"topic"`     // of the results
	Base      Topic              `yaml:"base"`      // what availability and last values stand below
	QoS       int                `yaml:"qos"`       // of the results: 0, 1 or 2; 1 by default
	Retain    bool               `yaml:"retain"`    // of the results; the last value is retained anyway, under a topic of its own
	Expiry    config.Duration    `yaml:"expiry"`    // after which the broker forgets a result that it could not pass on; 0 for never
	Assistant bool               `yaml:"home_assistant"`
	Discovery Topic              `yaml:"discovery_prefix"` // of Home Assistant; homeassistant by default
	TLS       clienttls.Settings `yaml:"tls"`

	warnings []config.Warning
	target   *url.URL // without user, password and fragment
}

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{
		ClientID: "overshoot-agent-{agent}-{sink}", Topic: "overshoot/{agent}/{camera}/{watch}/result", Base: "overshoot/{agent}", QoS: 1,
		Discovery: "homeassistant",
	}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	for _, step := range []func(config.Section) error{c.checkURL, c.checkNumbers, c.checkTopics, c.checkTLS} {
		if err := step(s); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Warnings are what is to be said at each start.
func (c Config) Warnings() []config.Warning { return c.warnings }

// ports are the schemes and where brokers listen for them.
var ports = map[string]string{"mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}

// checkURL needs no care for credentials: config has moved them from the url to username and password.
func (c *Config) checkURL(s config.Section) error {
	u, err := url.Parse(strings.TrimSpace(c.URL.Reveal()))
	if err != nil || u.Hostname() == "" || ports[u.Scheme] == "" {
		return s.Problemf("url", "is no address of a broker; write one like mqtt://host, mqtts://host, ws://host/mqtt or wss://host/mqtt")
	}
	if (u.Scheme == "mqtt" || u.Scheme == "mqtts") && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		return s.Problemf("url", "has a path, which is for ws and wss only; topics stand under topic and base")
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	c.target = u
	return nil
}

func (c *Config) checkNumbers(s config.Section) error {
	if c.QoS < 0 || c.QoS > 2 {
		return s.Problemf("qos", "found %d; write 0, 1 or 2", c.QoS)
	}
	if c.Expiry != 0 && (c.Expiry < config.Duration(time.Second) || c.Expiry > config.Duration(10*365*24*time.Hour)) {
		return s.Problemf("expiry", "found %s; write 1s or more, or 0s for never", c.Expiry)
	}
	if c.ClientID == "" {
		return s.Problemf("client_id", "is empty; write a name that no other client of the broker has")
	}
	if strings.ContainsAny(c.clientID("", ""), "{}") || strings.ContainsFunc(c.ClientID, isControl) {
		return s.Problemf("client_id", "has more than text; write only {agent} and {sink} in braces, and no control characters")
	}
	if !c.Password.IsZero() && c.Username == "" {
		return s.Problemf("password", "stands without a username; write both")
	}
	return nil
}

func (c *Config) checkTopics(s config.Section) error {
	if c.Base.names("{camera}") || c.Base.names("{watch}") {
		return s.Problemf("base", "stands for the whole agent; use no placeholder but {agent}")
	}
	if c.Discovery.names("{") {
		return s.Problemf("discovery_prefix", "is the same for all agents; use no placeholder")
	}
	name, _ := c.Topic.fill("a", "c", "w")
	for _, taken := range []string{"availability", "c/availability", "c/state", "c/w/state"} {
		if base, _ := c.Base.fill("a", "", ""); name == base+"/"+taken {
			return s.Problemf("topic", "is where the agent keeps its %s; write another one", taken[strings.LastIndex(taken, "/")+1:])
		}
	}
	return nil
}

func (c *Config) checkTLS(s config.Section) (err error) {
	if c.target.Scheme != "mqtts" && c.target.Scheme != "wss" && c.TLS != (clienttls.Settings{}) {
		return s.Problemf("tls", "is for encrypted connections; write mqtts:// or wss:// in the url, or remove tls")
	}
	c.TLS, err = c.TLS.Resolve(s)
	c.warnings = c.TLS.Warnings(s)
	return err
}

// clientID returns what the broker knows us by.
func (c Config) clientID(agent, sink string) string {
	return strings.NewReplacer("{agent}", agent, "{sink}", sink).Replace(c.ClientID)
}

// Clash returns the setting in which two sinks of one agent, a and b by name, get in each other's way at one broker; "" for none.
func Clash(one Config, a string, other Config, b string) string {
	switch {
	case !strings.EqualFold(one.address(), other.address()):
		return ""
	case one.clientID("", a) == other.clientID("", b): // they would throw each other out
		return "client_id"
	case one.Base == other.Base: // they would take back each other's cameras
		return "base"
	case one.Assistant && other.Assistant && one.Discovery == other.Discovery: // a device is described by one of them
		return "home_assistant"
	}
	return ""
}

// address returns host:port.
func (c Config) address() string {
	if c.target.Port() != "" {
		return c.target.Host
	}
	return c.target.Host + ":" + ports[c.target.Scheme]
}

// place says in errors which broker it is about. A path may be a secret.
func (c Config) place() string { return c.target.Scheme + "://" + c.target.Host }

// minPathSecret is the length from which a part of an address may be a secret and no ordinary word, in bytes.
const minPathSecret = 8

// secrets returns what must not stand in an error.
func (c Config) secrets() []secret.Secret {
	all := []secret.Secret{c.Password}
	for _, text := range append(strings.Split(c.target.Path, "/"), c.target.RawQuery) {
		if len(text) >= minPathSecret {
			all = append(all, secret.New(text))
		}
	}
	for _, values := range c.target.Query() {
		for _, value := range values {
			all = append(all, secret.New(value))
		}
	}
	return all
}
