package config

import (
	"maps"
	"slices"
)

// checkReferences checks what no single value can tell: names that do not exist, and things nobody uses.
func (l *loader) checkReferences(root *node) {
	usedWatches, usedSinks := map[string]bool{}, map[string]bool{}
	for i, c := range l.config.Cameras {
		l.checkNames(l.cameras.nodes[i], "watches", "watch", c.Watches, l.watches.first, usedWatches)
		if len(c.Watches) == 0 {
			l.report.warn(l.cameras.nodes[i], "watches", "nothing is asked of this camera; write for example watches: [people], a name from watches")
		}
	}
	for i, c := range l.config.Skipped {
		l.checkNames(l.cameras.skipped[i], "watches", "watch", c.Watches, l.watches.first, usedWatches)
	}
	for i, w := range l.config.Watches {
		l.checkNames(l.watches.nodes[i], "sinks", "sink", w.Sinks, l.sinks.first, usedSinks)
		l.checkSnapshot(l.watches.nodes[i], w)
	}
	l.checkCameraCount(root)
	l.checkSinkCount()
	if len(l.report.problems) == 0 { // else the use may be among what could not be read
		l.warnUnused(usedWatches, usedSinks)
	}
}

func (l *loader) warnUnused(usedWatches, usedSinks map[string]bool) {
	for i, w := range l.config.Watches {
		if !usedWatches[w.Name] {
			l.report.warn(l.watches.nodes[i], "", "no camera uses this watch; add it to the watches of a camera, or remove it")
		}
	}
	for i, s := range l.config.Sinks {
		if !usedSinks[s.Name] {
			l.report.warn(l.sinks.nodes[i], "", "no watch uses this sink; add it to the sinks of a watch, or remove it")
		}
	}
}

// checkNames complains about names in the list under key of n that are unknown or stand there twice.
func (l *loader) checkNames(n *node, key, what string, names []string, known map[string]*node, used map[string]bool) {
	seen := map[string]bool{}
	for i, name := range names {
		item := n.get(key).items[i]
		used[name] = true
		switch _, exists := known[name]; {
		case seen[name]:
			l.report.at(item, "found %s for the second time; remove one of them", item.found())
		case !exists && len(known) == 0:
			l.report.at(item, "found %s, but no %s is defined; define it under %s", item.found(), what, plural(what))
		case !exists:
			l.report.at(item, "no %s is called %s; %s", what, item.found(), DidYouMean(name, slices.Collect(maps.Keys(known))))
		}
		seen[name] = true
	}
}

// checkSnapshot complains about a watch whose pictures have no place.
func (l *loader) checkSnapshot(n *node, w Watch) {
	if !w.Snapshot || len(w.Sinks) == 0 {
		return
	}
	for _, name := range w.Sinks {
		if i := slices.IndexFunc(l.config.Sinks, func(s Sink) bool { return s.Name == name }); i < 0 || l.config.Sinks[i].Section.Type == "file" {
			return // an unknown sink was reported, and may be meant to be one
		}
	}
	l.report.key(n, "snapshot", "snapshots go into the folder of a file sink, and none is among the sinks of this watch; add one, such as "+
		"{type: file, path: /var/lib/overshoot-agent/results/results.jsonl}, or remove snapshot")
}

func plural(what string) string {
	if what == "watch" {
		return "watches"
	}
	return what + "s"
}

func (l *loader) checkCameraCount(root *node) {
	if len(l.config.Cameras) > 0 || len(l.report.problems) > 0 {
		return
	}
	if len(l.config.Skipped) > 0 {
		l.report.warn(root, "cameras", "every camera names other agents than this one, %q; check agents and agent.name", l.config.Agent.Name)
		return
	}
	l.report.key(root, "cameras", "there is no camera; write for example [{name: front-door, source: \"rtsp://10.0.0.21:554/stream1\", watches: [people]}]")
}

// maxSinks is half of what the spool serves, so that a reload may replace them all.
const maxSinks = 32

func (l *loader) checkSinkCount() {
	if len(l.config.Sinks) > maxSinks {
		l.report.at(l.sinks.nodes[maxSinks], "this is sink number %d; remove some, there can be %d", maxSinks+1, maxSinks)
	}
}
