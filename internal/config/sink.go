package config

// Sink is a named place results go to.
type Sink struct {
	// Name is unique among the sinks.
	Name string

	// MaxAttempts is how often the far side may refuse a result before it is put aside.
	MaxAttempts int

	// Section is how results are delivered; its kind's package decodes it.
	Section Section

	// Position is where the sink stands, "file:line:column".
	Position string
}

// Equal reports whether both sinks say the same, wherever they stand.
func (s Sink) Equal(other Sink) bool {
	return s.Name == other.Name && s.MaxAttempts == other.MaxAttempts && s.Section.Equal(other.Section)
}

// addSink decodes one entry of the mapping of sinks.
func (l *loader) addSink(e entry) {
	l.expand.tree(e.value)
	s := Sink{Name: e.key, MaxAttempts: 5, Position: e.value.position()}
	l.completeSection(e.value)
	l.takeMaxAttempts(e.value, &s.MaxAttempts)
	l.decode.into(e.value, &s.Section)
	checkName(l.report, e.value, "", e.key)
	unique(l.report, l.sinks.first, "sink", e.key, e.value)
	l.config.Sinks = append(l.config.Sinks, s)
	l.sinks.nodes = append(l.sinks.nodes, e.value)
}

// takeMaxAttempts takes the one setting that all kinds of sink have out of a section.
func (l *loader) takeMaxAttempts(section *node, into *int) {
	if section.kind != mapKind || section.get("max_attempts") == nil {
		return
	}
	value := section.take("max_attempts")
	l.decode.into(value, into)
	if *into < 1 {
		l.report.at(value, "found %d; write 1 or more", *into)
	}
}
