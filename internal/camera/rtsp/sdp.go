package rtsp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// understood tells whether the client will be able to use a session description (SDP, RFC 4566). It asks the parsers of the client itself,
// under guard: a description that makes them panic must not reach them on a goroutine that is not ours.
func understood(sdp string) error {
	if strings.ContainsRune(sdp, 0) {
		return errors.New("a zero byte") // the parsers take it for a part of the last address
	}
	return guard.Run(func() error {
		parsed, err := sdpunmarshaler.Unmarshal([]byte(sdp))
		if err != nil {
			return err
		}
		var session description.Session
		if err := session.Unmarshal2(parsed); err != nil {
			return err
		}
		if control, given := parsed.Attribute("control"); given && control != "*" {
			if _, err := base.ParseURL(control); err != nil {
				return fmt.Errorf("the control attribute of the session: %w", err)
			}
		}
		return nil
	})
}

// repaired returns a description that the client understands where there is one, and sdp itself where it already does. What cameras get wrong is
// mostly what nobody needs, so only what tells a medium apart is kept: its payload types, their codecs and parameters, and its address. A medium
// that makes no sense even so is left out, because an unusable metadata track must not cost the video.
func repaired(sdp string) string {
	if understood(sdp) == nil {
		return sdp
	}
	const header = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
	out := header
	for _, m := range mediaOf(sdp) {
		for _, text := range []string{m.text(m.parameters), m.text(nil)} {
			if understood(header+text) == nil {
				out += text
				break
			}
		}
	}
	if out == header || understood(out) != nil {
		return sdp
	}
	return out
}

// medium is what counts of one media section.
type medium struct {
	kind       string
	profile    string
	types      []string // payload types
	attributes []string // lines
	parameters []string // the fmtp lines among them
}

var (
	neededAttribute = regexp.MustCompile(`^a=(rtpmap:|control:|sendonly$|key-mgmt:)`)
	payloadType     = regexp.MustCompile(`^\d{1,3}$`)
	codecNoClock    = regexp.MustCompile(`^a=rtpmap: ?(\d+) (?i:H26[45]|JPEG)$`)
)

// mediaOf reads the media sections, whatever stands before, between and inside them.
func mediaOf(sdp string) []*medium {
	var all []*medium
	lines := strings.FieldsFunc(sdp, func(r rune) bool { return r == '\r' || r == '\n' || r == 0 })
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "m="); ok {
			all = append(all, newMedium(rest))
			continue
		}
		if len(all) == 0 {
			continue
		}
		m := all[len(all)-1]
		switch {
		case codecNoClock.MatchString(line):
			m.attributes = append(m.attributes, line+"/90000") // the clock of all video (RFC 3551)
		case neededAttribute.MatchString(line):
			m.attributes = append(m.attributes, line)
		case strings.HasPrefix(line, "a=fmtp:"):
			m.parameters = append(m.parameters, line)
		}
	}
	return all
}

// newMedium reads a media line without its m=, as "video 0 RTP/AVP 96".
func newMedium(line string) *medium {
	m := &medium{kind: "application", profile: "RTP/AVP"}
	fields := strings.Fields(line)
	for i, field := range fields {
		switch {
		case i == 0:
			if field == "video" || field == "audio" {
				m.kind = field
			}
		case strings.Contains(field, "SAVP"):
			m.profile = "RTP/SAVP"
		case payloadType.MatchString(field) && (i > 1 || len(fields) == 2):
			m.types = append(m.types, field)
		}
	}
	return m
}

// text writes the medium as it should have been.
func (m *medium) text(parameters []string) string {
	types := m.types
	for _, line := range m.attributes {
		if number, _, ok := strings.Cut(strings.TrimPrefix(line, "a=rtpmap:"), " "); ok && len(m.types) == 0 {
			types = append(types, number)
		}
	}
	lines := append([]string{"m=" + m.kind + " 0 " + m.profile + " " + strings.Join(types, " ")}, m.attributes...)
	return strings.Join(append(lines, parameters...), "\r\n") + "\r\n"
}
