package probe

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// A Report is the outcome of a probe. Nothing in it is a secret, and no text in it can do anything to a terminal.
type Report struct {
	Camera     string   `json:"camera"` // its address
	Verdict    Verdict  `json:"verdict"`
	Fault      *Fault   `json:"fault,omitempty"` // why the probe could not go on, or would have been of no use
	Connection []Fact   `json:"connection"`      // what the source found out, in that order; names may come more than once
	Timing     Timing   `json:"timing"`
	Video      *Video   `json:"video,omitempty"` // absent when no packet came
	Advice     []string `json:"advice"`          // what to change, the most important first
	SDP        string   `json:"sdp,omitempty"`   // the camera's own description of its video

	instead string // what would make transcoding needless
	hungUp  bool   // the camera ended the session
}

// A Fact is one thing that the source found out.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Fault is a camera.Fault.
type Fault struct {
	Reason camera.Reason `json:"reason"`
	Text   string        `json:"text"`
	Advice string        `json:"advice,omitempty"`
}

// A Timing says how long things took, counted from the first attempt to connect. What did not happen is absent.
type Timing struct {
	Connected   Millis `json:"connected_ms,omitempty"` // until the camera agreed to send
	FirstPacket Millis `json:"first_packet_ms,omitempty"`
	FirstKey    Millis `json:"first_key_frame_ms,omitempty"` // until it was complete
	Watched     Millis `json:"watched_ms"`                   // after the camera had agreed to send
}

// A Video is what the camera sends.
type Video struct {
	Codec     camera.Codec `json:"codec"`               // by content
	Announced camera.Codec `json:"announced,omitempty"` // by the camera's description, where that differs
	Format    string       `json:"format,omitempty"`    // profile, level and size in words
	Level     string       `json:"profile_level_id,omitempty"`
	Width     int          `json:"width,omitempty"`
	Height    int          `json:"height,omitempty"`

	Pictures     int     `json:"pictures"` // complete ones
	Damaged      int     `json:"damaged"`  // and those of them that parts are missing of
	FPS          float64 `json:"fps"`
	AnnouncedFPS float64 `json:"announced_fps,omitempty"`
	BitRate      int     `json:"bits_per_second"`
	Slices       int     `json:"slices"` // of most pictures
	BFrames      bool    `json:"b_frames"`

	KeyFrames     KeyFrames     `json:"key_frames"`
	ParameterSets ParameterSets `json:"parameter_sets"`
	Markers       Markers       `json:"markers"`
	Clock         Clock         `json:"clock"`
	Jitter        Jitter        `json:"jitter"`
	Packets       Packets       `json:"packets"`
	Mended        Mended        `json:"mended"`
}

// ParameterSets says where they come from.
type ParameterSets struct {
	Announced bool `json:"announced"` // all of them stand in the description
	InBand    bool `json:"in_band"`   // all of them come with the pictures
	Differ    bool `json:"differ"`    // those of the description are others
	Changes   int  `json:"changes"`   // how often those of the pictures were replaced by others
}

// Markers says whether the last packet of each picture, and no other, is marked. Damaged pictures do not count.
type Markers struct {
	Missing int `json:"missing"` // pictures without
	Early   int `json:"early"`   // pictures with one before the end
}

// Mended counts packets that break the rules of RTP for H.264.
type Mended struct {
	Repaired uint64 `json:"repaired"` // the agent puts them right
	Refused  uint64 `json:"refused"`  // nobody can
}

// Millis is a duration that JSON has as a number of milliseconds.
type Millis time.Duration

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(time.Duration(m).Seconds()*1e4) / 10)
}

// maxLine bounds a text from a camera, in runes.
const maxLine = 300

// plain makes a line of a text from strangers: without what a terminal would obey (control characters, and those that turn the direction
// of writing), and not too long.
func plain(text string) string {
	var line strings.Builder
	n := 0
	for _, r := range strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")) {
		if n++; n > maxLine {
			line.WriteRune('…')
			break
		}
		if r != ' ' && !unicode.IsGraphic(r) {
			r = ' '
		}
		line.WriteRune(r)
	}
	return line.String()
}

// plainLines does the same with each line.
func plainLines(text string) string {
	const enough = 200
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })
	lines = lines[:min(len(lines), enough)]
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}
