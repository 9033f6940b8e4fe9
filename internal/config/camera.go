package config

import (
	"path"
	"reflect"
	"time"
)

// Camera is a named source of video.
type Camera struct {
	// Name is unique among the cameras of one agent and stands in results, logs and metrics.
	Name string `yaml:"name"`

	// Source is how the camera is opened; its kind's package decodes it. User name and password given
	// beside a source, or inside its url, stand in it as `username` and `password`.
	Source Section `yaml:"source"`

	// Enabled switches the camera on. Default: true.
	Enabled bool `yaml:"enabled"`

	// Priority decides who streams when there are more cameras than slots: higher first. Default: 0.
	Priority int `yaml:"priority"`

	// Hold is how long a camera without pictures keeps its stream. Default: 2m.
	Hold Duration `yaml:"hold"`

	// StallAfter is the time without a complete picture after which the source is reopened, at least
	// 500ms. Default: 5s.
	StallAfter Duration `yaml:"stall_after"`

	// Transcode is what to do with video that not every receiver can decode: [TranscodeAuto], [TranscodeNever]
	// or [TranscodeAlways]. Default: TranscodeAuto.
	Transcode string `yaml:"transcode"`

	// MaxHeight is how many lines of pixels transcoded pictures have at most; 0 leaves them as they come.
	// Default: 720.
	MaxHeight int `yaml:"max_height"`

	// Labels are copied into every result of the camera. Default: none.
	Labels map[string]string `yaml:"labels"`

	// Watches are the names of the questions asked of this camera. Default: none.
	Watches []string `yaml:"watches"`

	// Agents are patterns (*, ?, [a-z]) of agent names; other agents skip the camera. Default: every agent.
	Agents []string `yaml:"agents"`

	// Position is where the camera stands, "file:line:column".
	Position string `yaml:"-"`
}

// What to do with a camera's video. What every receiver decodes is H.264 of 8 bits and 4:2:0 without B-frames.
const (
	TranscodeAuto   = "auto"   // what every receiver decodes is passed on, anything else is transcoded
	TranscodeNever  = "never"  // anything else is refused
	TranscodeAlways = "always" // everything is transcoded
)

const (
	minStallAfter = Duration(500 * time.Millisecond)
	minMaxHeight  = 90 // fewer lines show nothing
)

func defaultCamera() Camera {
	return Camera{
		Enabled: true, Hold: Duration(2 * time.Minute), StallAfter: Duration(5 * time.Second), Transcode: TranscodeAuto, MaxHeight: 720,
	}
}

// Equal reports whether both cameras say the same, wherever they stand. Agents does not count: it chose the
// camera for this agent and means nothing to it afterwards, and a fleet that grows must not restart cameras.
func (c Camera) Equal(other Camera) bool {
	if !c.Source.Equal(other.Source) {
		return false
	}
	c.Source, c.Agents, c.Position = other.Source, other.Agents, other.Position
	return reflect.DeepEqual(c, other)
}

// addCamera decodes one item of a list of cameras.
func (l *loader) addCamera(n *node) {
	if n.kind != mapKind {
		l.decode.wrongType(n, "a camera, for example {name: front-door, source: \"rtsp://10.0.0.21/stream1\"}")
		return
	}
	mine := l.isForThisAgent(n)
	l.expand.lenient = !mine
	l.expand.tree(n)
	l.expand.lenient = false
	l.completeSource(n, mine)

	c := defaultCamera()
	c.Position = n.position()
	l.decode.into(n, &c)
	c.check(l.report, n)
	if !mine {
		l.config.Skipped = append(l.config.Skipped, c)
		l.cameras.skipped = append(l.cameras.skipped, n)
		return
	}
	unique(l.report, l.cameras.first, "camera", c.Name, n)
	l.config.Cameras = append(l.config.Cameras, c)
	l.cameras.nodes = append(l.cameras.nodes, n)
}

// isForThisAgent reports whether the `agents` of a camera name this agent. It comes before anything else,
// because the variables of other agents' cameras need not exist here.
func (l *loader) isForThisAgent(n *node) bool {
	agents := n.get("agents")
	if agents == nil || agents.kind != listKind {
		return true
	}
	l.expand.tree(agents)
	mine := len(agents.items) == 0
	for _, pattern := range agents.items {
		matched, err := path.Match(pattern.text, l.config.Agent.Name)
		if err != nil {
			l.report.at(pattern, "found %s, which is no pattern; write for example \"nvr-0*\"", pattern.found())
		}
		mine = mine || matched
	}
	return mine
}

func (c Camera) check(r *report, n *node) {
	if c.Name == "" {
		r.key(n, "name", "the camera has no name; write for example name: front-door")
	} else {
		checkName(r, n, "name", c.Name)
	}
	if c.Name == "agent" {
		r.key(n, "name", "found \"agent\", under which the status page shows the agent itself; write another name")
	}
	if n.get("source") == nil {
		r.key(n, "source", "the camera has no source; write for example source: rtsp://10.0.0.21:554/stream1")
	}
	if c.Hold < 0 {
		r.key(n, "hold", "found %s; write 0s or more", c.Hold)
	}
	if c.StallAfter < minStallAfter {
		r.key(n, "stall_after", "found %s; write %s or more", c.StallAfter, minStallAfter)
	}
	oneOf(r, n, "transcode", c.Transcode, TranscodeAuto, TranscodeNever, TranscodeAlways)
	if c.MaxHeight != 0 && c.MaxHeight < minMaxHeight {
		r.key(n, "max_height", "found %d; write %d or more, or 0 to leave pictures as they come", c.MaxHeight, minMaxHeight)
	}
}
