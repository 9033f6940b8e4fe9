//go:build vm

package integration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// lensWatch asks for all that the simulator's model reads from a picture of any kind.
const lensWatch = `
  lens:
    prompt: "What is to be seen?"
    model: ` + gemma + `
    every: 500ms
    schema:
      type: object
      properties: {counter: {type: integer}, camera: {type: integer}, width: {type: integer}, height: {type: integer}, color: {type: string}}
      required: [counter, camera, width, height, color]
    sinks: [events]
`

// A glance is what an answer says of a picture. Counter is -1 where none is to be read, as in those of vivid.
type glance struct {
	Counter, Camera, Width, Height int
	Color                          string
}

// waitGlance blocks until an answer about a picture from now on is as wanted.
func (m *machine) waitGlance(camera, what string, ok func(glance) bool) {
	m.t.Helper()
	seen := len(m.events(camera + "/lens"))
	var last string
	eventually(m.t, fmt.Sprintf("an answer about %s: %s", camera, what), func() bool {
		all := m.events(camera + "/lens")
		for _, e := range all[seen:] {
			if !e.Data.OK { // the pictures stopped
				continue
			}
			var g glance
			mustDecode(m.t, string(e.Data.Result), &g)
			if last = string(e.Data.Result); ok(g) {
				return true
			}
		}
		seen = len(all)
		return false
	})
	m.t.Logf("%s: %s", camera, last)
}

// patterns are what vivid's cameras can be pointed at, by the number of its control test_pattern, and how the simulator calls that.
var patterns = map[string]int{"black": 5, "white": 6, "red": 7, "green": 8, "blue": 9}

// point lets a camera of vivid look at something of one colour.
func (m *machine) point(device, color string) {
	m.t.Helper()
	m.do(fmt.Sprintf("v4l2-ctl -d %s -c test_pattern=%d", device, patterns[color]))
}

// waitColor blocks until an answer says that a picture of this size has this colour.
func (m *machine) waitColor(camera, color string, width, height int) {
	m.t.Helper()
	m.waitGlance(camera, fmt.Sprintf("%dx%d, %s", width, height, color), func(g glance) bool {
		return g.Width == width && g.Height == height && g.Color == color
	})
}

// tryColors lets a camera of vivid look at one colour and then at another.
func (m *machine) tryColors(device, camera string, width, height int) {
	m.t.Helper()
	for _, color := range []string{"red", "blue"} {
		m.point(device, color)
		m.waitColor(camera, color, width, height)
	}
}

// firstPictureAfter blocks until the service has a picture of a camera that it received after since, and returns how long after.
func (m *machine) firstPictureAfter(s *simulator, camera string, since time.Time) time.Duration {
	m.t.Helper()
	return s.pictureAfter(m.held()[camera], s.newest(m.held()[camera]).Index, since).Sub(since)
}

// process is the id of the agent in the VM.
func (m *machine) process() int {
	m.t.Helper()
	id, err := strconv.Atoi(strings.TrimSpace(m.do("pidof program")))
	must(m.t, err)
	return id
}

var numbers = regexp.MustCompile(`[0-9]+`)

// A footprint is what an agent holds in the VM, by kind: processes that it started, devices, pipes, sockets and other files.
type footprint map[string]int

// footprint looks at the agent as it is now.
func (m *machine) footprint() footprint {
	m.t.Helper()
	id := m.process()
	f := footprint{"child": len(strings.Fields(m.do(fmt.Sprintf("cat /proc/%d/task/*/children", id))))}
	for line := range strings.Lines(m.do(fmt.Sprintf("ls -l /proc/%d/fd | grep -- '->'", id))) {
		_, target, _ := strings.Cut(strings.TrimSpace(line), " -> ")
		kind, _, special := strings.Cut(target, ":[")
		if !special {
			kind = numbers.ReplaceAllString(target, "N") // of devices and processes, which change
		}
		f[kind]++
	}
	return f
}

// exceeds names what there is more of than before. Connections to the service come and go.
func (f footprint) exceeds(before footprint) string {
	for kind, n := range f {
		if kind != "socket" && n > before[kind] || n > before[kind]+8 {
			return kind
		}
	}
	return ""
}
