package config

import "time"

// Rotate lets cameras of equal priority take turns when there are more of them than slots. The zero value
// is no rotation: who has a slot keeps it.
type Rotate struct {
	// Dwell is how long a camera keeps its slot before another may have it, at least 10s; 0 for no
	// rotation. Default where the section stands: 60s.
	Dwell Duration `yaml:"dwell"`
}

const minDwell = Duration(10 * time.Second) // joining a room and filling its history takes some seconds each time

func defaultRotate() Rotate { return Rotate{Dwell: Duration(time.Minute)} }

// unmarshalNode decodes the section; an empty one has the defaults.
func (r *Rotate) unmarshalNode(d *decoder, n *node) {
	type plain Rotate
	*r = defaultRotate()
	if n.kind != nullKind && n.kind != mapKind {
		d.wrongType(n, "a mapping, for example {dwell: 60s}")
		return
	}
	d.into(n, (*plain)(r))
	if r.Dwell < minDwell {
		d.report.key(n, "dwell", "found %s; write %s or more, or remove rotate so that cameras keep their slots", r.Dwell, minDwell)
	}
}
