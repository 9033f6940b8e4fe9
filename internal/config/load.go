package config

import (
	"errors"
	"path/filepath"
)

// Options is what a configuration depends on besides its files.
type Options struct {
	// LookupEnv looks up ${VARIABLES}, as os.LookupEnv does; nil means that none is set.
	LookupEnv func(name string) (string, bool)

	// Hostname is the default of agent.name.
	Hostname string

	// Inputs, if not nil, are overwritten with what this load looks at, whether it fails or not.
	Inputs *Inputs
}

// Load reads the configuration file at path and the files it includes. The error is a [Problems] with all
// that is wrong, and the Config is then nil. Warnings are returned in either case. Load reads key files to
// check them and does nothing else outside the configuration.
func Load(path string, opts Options) (*Config, []Warning, error) {
	l := newLoader(opts)
	if root := l.read(path); root != nil {
		l.load(root)
	}
	if err := l.report.err(); err != nil {
		return nil, l.report.sortedWarnings(), err
	}
	return l.config, l.report.sortedWarnings(), nil
}

// loader carries one Load from step to step.
type loader struct {
	opts   Options
	inputs *Inputs
	report *report
	expand *expander
	decode *decoder
	config *Config

	cameras, watches, sinks named
}

// named remembers where the named things of one sort stand.
type named struct {
	nodes   []*node          // in the order of the slice in Config
	skipped []*node          // cameras only: in the order of Config.Skipped
	first   map[string]*node // by name
}

func newLoader(opts Options) *loader {
	if opts.LookupEnv == nil {
		opts.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if opts.Inputs == nil {
		opts.Inputs = &Inputs{}
	}
	opts.Inputs.reset()
	r, c := &report{}, Default()
	l := &loader{
		opts:   opts,
		inputs: opts.Inputs,
		report: r,
		expand: &expander{lookup: opts.LookupEnv, report: r, secrets: &c.secrets},
		decode: &decoder{report: r},
		config: c,
	}
	for _, sort := range []*named{&l.cameras, &l.watches, &l.sinks} {
		sort.first = map[string]*node{}
	}
	return l
}

// load goes through the steps that the package comment lists.
func (l *loader) load(root *node) {
	doc := l.document(root)
	l.addAll(doc.Cameras, doc.Watches, doc.Sinks)
	l.include(root, doc.Include)
	l.checkReferences(root)
}

// document decodes the main file, except cameras, watches and sinks.
func (l *loader) document(root *node) document {
	for _, e := range root.entries {
		if e.key != "cameras" && e.key != "watches" && e.key != "sinks" {
			l.expand.tree(e.value)
		}
	}
	c := l.config
	c.Agent.Name = l.opts.Hostname
	if dir, set := l.opts.LookupEnv("STATE_DIRECTORY"); set && dir != "" {
		c.StateDir = filepath.SplitList(dir)[0] // systemd lists several with colons
	}
	doc := document{Agent: c.Agent, Overshoot: c.Overshoot, Status: c.Status, StateDir: c.StateDir, Spool: c.Spool, Log: c.Log, OnShutdown: c.OnShutdown}
	l.decode.into(root, &doc)
	c.Agent, c.Overshoot, c.Status, c.StateDir, c.Log = doc.Agent, doc.Overshoot, doc.Status, doc.StateDir, doc.Log
	c.Spool, c.Rotate, c.OnShutdown, c.WatchConfig = doc.Spool, doc.Rotate, doc.OnShutdown, doc.WatchConfig

	l.checkAgent(root)
	c.Overshoot.check(l.report, root.section("overshoot"))
	l.inputs.keys(c.Overshoot.Keys)
	oneOf(l.report, root, "on_shutdown", c.OnShutdown, ShutdownRelease, ShutdownKeep)
	c.Status.check(l.report, root.section("status"))
	c.Log.check(l.report, root.section("log"))
	c.Spool.check(l.report, root.section("spool"))
	if c.StateDir == "" {
		l.report.key(root, "state_dir", "found an empty path; write a folder, for example /var/lib/overshoot-agent")
	}
	return doc
}

func (l *loader) checkAgent(root *node) {
	n := root.section("agent")
	if l.config.Agent.Name == "" {
		l.report.key(n, "name", "the agent has no name and the machine has no host name; write for example name: nvr-01")
		return
	}
	checkName(l.report, n, "name", l.config.Agent.Name)
}

// addAll decodes the cameras, watches and sinks of one file.
func (l *loader) addAll(cameras, watches, sinks raw) {
	if n := cameras.tree; l.isKind(n, listKind, "a list of cameras, each beginning with \"- name:\"") {
		for _, item := range n.items {
			l.addCamera(item)
		}
	}
	if n := watches.tree; l.isKind(n, mapKind, "watches by name, for example people: {prompt: …}") {
		for _, e := range n.entries {
			l.addWatch(e)
		}
	}
	if n := sinks.tree; l.isKind(n, mapKind, "sinks by name, for example archive: {type: file, path: …}") {
		for _, e := range n.entries {
			l.addSink(e)
		}
	}
}

// isKind reports whether a part of a file is there and of the right kind; an empty one counts as absent.
func (l *loader) isKind(n *node, want kind, wanted string) bool {
	if n == nil || n.kind == nullKind {
		return false
	}
	if n.kind != want {
		l.decode.wrongType(n, wanted)
		return false
	}
	return true
}

// read returns the tree of one file, nil after reporting why there is none.
func (l *loader) read(path string) *node {
	text, err := l.inputs.read(path, maxFileBytes)
	if errors.Is(err, errTooLarge) {
		l.report.file(path, "is larger than %d MiB; split it with include", maxFileBytes>>20)
		return nil
	}
	if err != nil {
		l.report.file(path, "%s", err)
		return nil
	}
	return parse(path, text, l.report)
}
