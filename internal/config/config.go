package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Config is one complete, checked configuration. It is not changed after [Load].
type Config struct {
	// Agent is who we are.
	Agent Agent

	// Overshoot is the service and the keys to it.
	Overshoot Overshoot

	// Cameras are the cameras of this agent in file order, disabled ones included.
	Cameras []Camera

	// Skipped are the cameras whose `agents` name other agents. Their variables may be unexpanded and
	// their files unread; use them for listing only.
	Skipped []Camera

	// Watches are the questions, in file order.
	Watches []Watch

	// Sinks are the places results go to, in file order.
	Sinks []Sink

	// Status is the local HTTP server for health and metrics.
	Status Status

	// StateDir is the folder for what must survive a restart. Default: $STATE_DIRECTORY, which systemd
	// sets, else /var/lib/overshoot-agent.
	StateDir string

	// Spool is how results are kept until every sink has them.
	Spool Spool

	// Log says what is logged and in which form.
	Log Log

	// Rotate is how cameras take turns. Default: not at all.
	Rotate Rotate

	// OnShutdown is what becomes of the streams when the agent stops: [ShutdownRelease] or [ShutdownKeep].
	// Default: ShutdownRelease.
	OnShutdown string

	// WatchConfig is whether a change of the [Inputs] shall be loaded without being asked. Default: false.
	WatchConfig bool

	secrets []secret.Secret // seen while loading; see Secrets
}

// document is the top level of the main file.
type document struct {
	Agent       Agent     `yaml:"agent"`
	Overshoot   Overshoot `yaml:"overshoot"`
	Cameras     raw       `yaml:"cameras"`
	Watches     raw       `yaml:"watches"`
	Sinks       raw       `yaml:"sinks"`
	Rotate      Rotate    `yaml:"rotate"`
	Status      Status    `yaml:"status"`
	StateDir    string    `yaml:"state_dir"`
	Spool       Spool     `yaml:"spool"`
	OnShutdown  string    `yaml:"on_shutdown"`
	WatchConfig bool      `yaml:"watch_config"`
	Log         Log       `yaml:"log"`
	Include     []string  `yaml:"include"`
}

// What OnShutdown may be.
const (
	ShutdownRelease = "release" // streams are deleted: nothing is paid for, and their slots are free at once
	ShutdownKeep    = "keep"    // streams live on for the rest of their lease, and the next start adopts them with their history
)

// raw keeps a part of the tree for later.
type raw struct{ tree *node }

func (r *raw) unmarshalNode(_ *decoder, n *node) { r.tree = n }

// Agent is the identity of this process in a fleet.
type Agent struct {
	// Name is matched by the `agents` patterns of cameras and stands in every result. Default: the host name.
	Name string `yaml:"name"`
}

// Status is the local HTTP server with /metrics, /healthz and /readyz.
type Status struct {
	// Listen is host:port. Default: 127.0.0.1:9464, reachable from this machine only.
	Listen string `yaml:"listen"`
}

// Log says what is logged and how.
type Log struct {
	// Level is the lowest level logged: debug, info, warn or error. Default: info.
	Level string `yaml:"level"`

	// Format is console, json, or auto: console on a terminal and json elsewhere. Default: auto.
	Format string `yaml:"format"`
}

// Default returns the configuration of an empty file on an unknown host: what a setting is when it is not
// written. The defaults of one camera, watch or key stand in their own types.
func Default() *Config {
	return &Config{
		Overshoot:  Overshoot{API: apiV1Beta, BaseURL: "https://api.overshoot.ai"},
		Status:     Status{Listen: "127.0.0.1:9464"},
		StateDir:   "/var/lib/overshoot-agent",
		Spool:      defaultSpool(),
		Log:        Log{Level: "info", Format: "auto"},
		OnShutdown: ShutdownRelease,
	}
}

// Camera returns the camera of this agent with this name.
func (c *Config) Camera(name string) (Camera, bool) {
	i := slices.IndexFunc(c.Cameras, func(camera Camera) bool { return camera.Name == name })
	if i < 0 {
		return Camera{}, false
	}
	return c.Cameras[i], true
}

// SameCamera reports whether both configurations have the camera of this name, and say the same of it and
// of every watch that it names.
func (c *Config) SameCamera(name string, other *Config) bool {
	mine, found := c.Camera(name)
	theirs, foundThere := other.Camera(name)
	if !found || !foundThere || !mine.Equal(theirs) {
		return false
	}
	return !slices.ContainsFunc(mine.Watches, func(watch string) bool {
		before, _ := c.Watch(watch)
		after, _ := other.Watch(watch)
		return !before.Equal(after)
	})
}

// Watch returns the watch with this name.
func (c *Config) Watch(name string) (Watch, bool) {
	i := slices.IndexFunc(c.Watches, func(w Watch) bool { return w.Name == name })
	if i < 0 {
		return Watch{}, false
	}
	return c.Watches[i], true
}

// Sink returns the sink with this name.
func (c *Config) Sink(name string) (Sink, bool) {
	i := slices.IndexFunc(c.Sinks, func(s Sink) bool { return s.Name == name })
	if i < 0 {
		return Sink{}, false
	}
	return c.Sinks[i], true
}

// Secrets returns every secret the configuration holds or points to, to feed a [secret.Scrubber]: keys,
// passwords, tokens, and variables with such names. It reads the key files; one that cannot be read now is
// left out, and whoever reads it later adds what it finds.
func (c *Config) Secrets() []secret.Secret {
	all := slices.Clone(c.secrets)
	for _, key := range c.Overshoot.Keys {
		if value, err := key.Read(); err == nil {
			all = append(all, value)
		}
	}
	return all
}

func (s Status) check(r *report, n *node) {
	host, port, err := net.SplitHostPort(s.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.key(n, "listen", "found %s; write host:port, for example 127.0.0.1:9464", quoteShort(s.Listen))
		return
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		r.warn(n, "listen", "the status server is reachable from other machines and asks for no password; "+
			"write 127.0.0.1:%s unless a firewall or a container stands before it", port)
	}
}

func (l Log) check(r *report, n *node) {
	oneOf(r, n, "level", l.Level, "debug", "info", "warn", "error")
	oneOf(r, n, "format", l.Format, "auto", "console", "json")
}

// oneOf complains about a value that is not among the choices.
func oneOf(r *report, n *node, key, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		r.key(n, key, "found %s; %s", quoteShort(value), DidYouMean(value, choices))
	}
}
