package webhook

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/clienttls"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// Config is the section of a webhook sink.
type Config struct {
	URL      secret.Secret            `yaml:"url"`      // http[s]://host/path; of Slack and others it is the password itself
	Username string                   `yaml:"username"` // with Password: HTTP Basic authentication
	Password secret.Secret            `yaml:"password"`
	Token    secret.Secret            `yaml:"token"`   // goes out as Authorization: Bearer
	Headers  map[string]secret.Secret `yaml:"headers"` // further ones, by name
	Method   Method                   `yaml:"method"`  // POST by default
	Preset   Preset                   `yaml:"preset"`  // the form of a well-known service; CloudEvents by default
	Body     secret.Secret            `yaml:"body"`    // a text/template, instead of a preset; may hold what nobody else should see
	Batch    int                      `yaml:"batch"`   // how many CloudEvents one request may carry; 1 by default
	Timeout  config.Duration          `yaml:"timeout"` // for one request, from the connection to the status; 15s by default
	Secret   []secret.Secret          `yaml:"secret"`  // of Standard Webhooks; two while one takes the place of the other
	TLS      clienttls.Settings       `yaml:"tls"`

	warnings []config.Warning
	*prepared
}

// prepared is what Decode makes of the settings. It lies behind a pointer, so that printing a Config shows none of it.
type prepared struct {
	target *url.URL    // without user, password and fragment
	header http.Header // of every request
	keys   [][]byte    // to sign with
	form   form
}

// Limits of settings. A longer request would be ended by the delivery loop before its own timeout.
const (
	minTimeout = config.Duration(100 * time.Millisecond)
	maxTimeout = config.Duration(30 * time.Second)
	maxBatch   = sink.BatchSize // more are never delivered at once
)

// minPathSecret is the length from which a part of an address may be a secret and no ordinary word, in bytes.
const minPathSecret = 8

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{Method: http.MethodPost, Batch: 1, Timeout: config.Duration(15 * time.Second), prepared: &prepared{}}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	for _, step := range []func(config.Section) error{c.checkURL, c.checkNumbers, c.checkForm, c.checkHeaders, c.checkSecret, c.checkTLS} {
		if err := step(s); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Warnings are what is to be said at each start.
func (c Config) Warnings() []config.Warning { return c.warnings }

// checkURL needs no care for credentials: config has moved them from the url to username and password.
func (c *Config) checkURL(s config.Section) error {
	u, err := url.Parse(strings.TrimSpace(c.URL.Reveal()))
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return s.Problemf("url", "is no address to post to; write one like https://host/path")
	}
	if port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16); err != nil || port == 0 {
		return s.Problemf("url", "has a port that does not exist; write 1 to 65535, or leave it out")
	}
	if address, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := allowed(address); err != nil {
			return s.Problemf("url", "%s", err)
		}
	}
	u.Fragment, u.RawFragment = "", ""
	c.target = u
	return nil
}

func (c *Config) checkNumbers(s config.Section) error {
	if c.Timeout < minTimeout || c.Timeout > maxTimeout {
		return s.Problemf("timeout", "found %s; write %s to %s", c.Timeout, minTimeout, maxTimeout)
	}
	if c.Batch < 1 || c.Batch > maxBatch {
		return s.Problemf("batch", "found %d; write 1 to %d", c.Batch, maxBatch)
	}
	if c.Batch > 1 && (s.Has("body") || c.Preset != "") {
		return s.Problemf("batch", "is for CloudEvents; remove it, or body and preset")
	}
	return nil
}

// checkForm decides what a body looks like.
func (c *Config) checkForm(s config.Section) (err error) {
	switch {
	case s.Has("body") && c.Preset != "":
		return s.Problemf("body", "stands beside a preset; remove one of them")
	case s.Has("body"):
		if c.form, err = templateForm(c.Body.Reveal(), c.isJSON()); err != nil {
			return s.Problemf("body", "%s", err)
		}
	case c.Preset != "":
		if c.form, err = formOf(c.Preset, c.target); err != nil {
			return s.Problemf("url", "%s", err)
		}
	default:
		c.form = cloudEvents(c.Batch > 1)
	}
	return nil
}

// checkSecret takes the signing secrets apart.
func (c *Config) checkSecret(s config.Section) error {
	if len(c.Secret) > 2 {
		return s.Problemf("secret", "found %d secrets; write one, or two while receivers change from one to the other", len(c.Secret))
	}
	for _, each := range c.Secret {
		key, err := signingKey(each)
		if err != nil {
			return s.Problemf("secret", "%s", err)
		}
		c.keys = append(c.keys, key)
	}
	return nil
}

func (c *Config) checkTLS(s config.Section) (err error) {
	if c.target.Scheme != "https" && c.TLS != (clienttls.Settings{}) {
		return s.Problemf("tls", "is for encrypted connections; write https:// in the url, or remove tls")
	}
	c.TLS, err = c.TLS.Resolve(s)
	c.warnings = c.TLS.Warnings(s)
	return err
}

// secrets returns what must not stand in an error, in the pieces in which a server may quote it.
func (c Config) secrets() []secret.Secret {
	all := append([]secret.Secret{c.Password, c.Token, c.URL}, c.Secret...)
	for _, value := range c.Headers {
		all = append(all, value)
	}
	u, err := url.Parse(strings.TrimSpace(c.URL.Reveal())) // and not target, which may have lost a part of it
	if err != nil {
		return all
	}
	for _, text := range append(strings.Split(u.Path, "/"), u.Path, u.EscapedPath(), u.RawQuery) {
		if len(text) >= minPathSecret {
			all = append(all, secret.New(text))
		}
	}
	for name, values := range u.Query() {
		for _, value := range values {
			all = append(all, secret.New(cmp.Or(value, name))) // ?s3cret has a name only
		}
	}
	return all
}

// Method is the HTTP method of the requests.
type Method string

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Method) UnmarshalText(text []byte) error {
	switch *m = Method(text); *m {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return nil
	}
	return errors.New("write POST, PUT or PATCH")
}
