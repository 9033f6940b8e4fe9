package rtsp

import (
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// findings are what attempts find out. The zero value knows nothing yet; all methods may be called by any goroutine.
type findings struct {
	secrets secret.Scrubber // cameras write credentials into addresses of their own

	mu     sync.Mutex
	report camera.Report
}

// restart forgets the attempt before.
func (f *findings) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report = camera.Report{}
}

// set notes a fact of which there is one.
func (f *findings) set(name, value string) {
	value = f.secrets.Scrub(value)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.report.Facts {
		if f.report.Facts[i].Name == name {
			f.report.Facts = append([]camera.Fact(nil), f.report.Facts...) // reports given away share the old ones
			f.report.Facts[i].Value = value
			return
		}
	}
	f.report.Facts = append(f.report.Facts, camera.Fact{Name: name, Value: value})
}

// add notes one fact of many.
func (f *findings) add(name, value string) {
	value = f.secrets.Scrub(value)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Facts = append(f.report.Facts, camera.Fact{Name: name, Value: value})
}

// answer notes the camera's description.
func (f *findings) answer(sdp string) {
	sdp = f.secrets.Scrub(sdp)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Answer = sdp
}

// Report implements camera.Reporter.
func (s *Source) Report() camera.Report {
	s.found.mu.Lock()
	defer s.found.mu.Unlock()
	return s.found.report
}

// offered notes what there is to choose from.
func (v *visit) offered(session *description.Session) {
	v.source.found.set(camera.FactAddress, place((*url.URL)(v.mender.asked.URL)))
	for _, m := range session.Medias {
		for _, f := range m.Formats {
			text := fmt.Sprintf("%s %s", m.Type, nameOf(f))
			if m.IsBackChannel {
				text += ", marked as a back channel"
			}
			v.source.found.add(camera.FactMedia, text)
		}
	}
}

// chosen notes what is taken of it.
func (v *visit) chosen(o offer, sets [][]byte) {
	found := &v.source.found
	found.set(camera.FactChosen, fmt.Sprintf("%s as %s", nameOf(o.format), o.codec))
	switch {
	case o.codec == camera.MJPEG:
	case len(sets) == 0:
		found.set(camera.FactSets, "none in the description")
	default:
		found.set(camera.FactSets, fmt.Sprintf("%d in the description", len(sets)))
	}
}

// settled notes how the session came about.
func (v *visit) settled() {
	found, m := &v.source.found, &v.mender
	transport := "TCP"
	if t := v.client.Transport().Session; t != nil && t.Protocol != gortsplib.ProtocolTCP {
		transport = "UDP"
	}
	found.set(camera.FactTransport, transport)
	if !m.loggedIn {
		found.set(camera.FactLogin, "none")
	}
	session := "not said; 60s by the standard"
	if m.sessionEnds != 0 {
		session = "ends after " + m.sessionEnds.String() + " of silence"
	}
	found.set(camera.FactSession, session)
	method := base.Options
	if m.getParameter {
		method = base.GetParameter
	}
	keepalive := fmt.Sprintf("%s every %s", method, m.interval())
	if m.keepalive.Method == Off {
		keepalive = "off"
	}
	found.set(camera.FactKeepalive, keepalive)
}

// loginOf names the kind of an Authorization header.
func loginOf(header string) string {
	kind, rest, _ := strings.Cut(header, " ")
	switch {
	case !strings.EqualFold(kind, "Digest"):
		return kind
	case strings.Contains(strings.ToUpper(rest), "SHA-256"):
		return "Digest SHA-256"
	}
	return "Digest MD5"
}
