package config

import "time"

// Look is what a watch shows to the model: the newest frame, or the clip of the last seconds.
type Look struct {
	// Frame is true for the newest picture alone; Last and MaxFPS are then zero.
	Frame bool

	// Last is the length of the clip, 100ms to 10m.
	Last Duration

	// MaxFPS is the upper bound of pictures per second taken from the clip. Default: 1.
	MaxFPS float64
}

const (
	minLast = Duration(100 * time.Millisecond)
	maxLast = Duration(10 * time.Minute) // the service remembers no more

	lookExample = "frame, or a clip such as {last: 5s, max_fps: 2}"
)

// unmarshalNode decodes `frame` or `{last: 5s, max_fps: 2}`.
func (l *Look) unmarshalNode(d *decoder, n *node) {
	if n.kind != mapKind {
		if n.kind != scalarKind || n.text != "frame" {
			d.wrongType(n, lookExample)
		}
		*l = Look{Frame: true}
		return
	}
	clip := struct {
		Last   Duration `yaml:"last"`
		MaxFPS float64  `yaml:"max_fps"`
	}{MaxFPS: 1}
	d.into(n, &clip)
	*l = Look{Last: clip.Last, MaxFPS: clip.MaxFPS}
	l.check(d.report, n)
}

func (l Look) check(r *report, n *node) {
	last, fps := n.get("last"), n.get("max_fps")
	switch {
	case last == nil:
		r.key(n, "last", "the clip has no length; write %s", lookExample)
	case last.reported || fps != nil && fps.reported:
	case l.Last < minLast || l.Last > maxLast:
		r.at(last, "found %s; write %s to %s", l.Last, minLast, maxLast)
	case l.MaxFPS <= 0:
		r.key(n, "max_fps", "found %v; write a number above 0, for example 2", l.MaxFPS)
	case time.Duration(l.Last).Seconds()*l.MaxFPS < 2:
		r.at(n, "%s at %v pictures per second are fewer than 2 pictures; write a longer last, a higher max_fps, or look: frame", l.Last, l.MaxFPS)
	}
}
