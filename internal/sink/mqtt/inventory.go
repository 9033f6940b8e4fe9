package mqtt

import "time"

// An Inventory tells what a sink must know beyond the results. The sink asks once a second while it is connected. Cameras is called
// from a goroutine of the sink and must not block.
type Inventory interface {
	// Cameras returns all cameras whose results this sink may get, in any order. What is returned is not changed by either side afterwards.
	Cameras() []Camera
}

// A Camera is one that exists now. One that is missing the next time, or was known to an earlier life of the agent, was removed: all that the
// broker keeps of it is taken back.
type Camera struct {
	Name     string
	Live     bool      // its pictures arrive at the service; decides about online and offline
	State    string    // in a word, such as live or reconnecting
	LastSeen time.Time // when its newest picture came; zero for never
	FPS      float64   // pictures in a second, lately
	Watches  []Watch   // those whose results this sink gets
}

// A Watch is what is asked of a camera.
type Watch struct {
	Name   string
	Schema map[string]any // the JSON schema of the answers, as encoding/json decodes it; nil for free text
}
