package rtsp

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// A mender corrects the answers of a camera before the client reads them. The client hands each answer to OnResponse and then goes on with what
// it finds in it; that is the seam. Its methods are called on the client's goroutine, which also is the one that waits while Run asks.
type mender struct {
	keepalive Keepalive
	found     *findings

	asked       base.Request  // the newest request
	sessionEnds time.Duration // when nothing is heard of us, as the camera said
	hops        int           // redirects so far
	refused     error         // why a redirect is not followed
	elsewhere   *base.URL     // where one leads that has to be followed without our credentials, on a connection of its own
	reached     net.Addr      // who is at the other end

	named, loggedIn, getParameter bool // what was found out of the camera's name, of how we log in, and of what it can

	sdp string // the description, as the client reads it
}

// maxHops bounds redirects: the client would follow them in a circle for ever.
const maxHops = 5

// request notes what is asked.
func (m *mender) request(r *base.Request) {
	m.asked = base.Request{Method: r.Method, URL: r.URL, Header: base.Header{"CSeq": r.Header["CSeq"]}}
	if login := r.Header["Authorization"]; len(login) > 0 && !m.loggedIn {
		m.loggedIn = true
		m.found.set(camera.FactLogin, loginOf(login[0]))
	}
}

// response corrects the answer to it.
func (m *mender) response(r *base.Response) {
	if number, given := r.Header["CSeq"]; given && len(number) == 1 && strings.TrimSpace(number[0]) != m.asked.Header["CSeq"][0] {
		return // a late answer to an earlier request
	}
	m.session(r)
	if server := strings.Join(r.Header["Server"], ""); server != "" && !m.named {
		m.named = true
		m.found.set(camera.FactServer, server)
	}
	switch {
	case m.asked.Method == base.Options:
		m.options(r)
	case m.asked.Method == base.Describe && r.StatusCode == base.StatusOK:
		m.description(r)
	case m.asked.Method == base.Describe && r.StatusCode/100 == 3:
		m.redirect(r)
	}
}

// options settles the method of keepalives, which the client takes from the list of methods. An answer that says no is not worth a failure, the
// next request will show; but a client that got 404 here asks again before every request, and so never sends TEARDOWN.
func (m *mender) options(r *base.Response) {
	switch r.StatusCode {
	case base.StatusUnauthorized, base.StatusNotEnoughBandwidth, base.StatusServiceUnavailable:
		return
	}
	r.StatusCode = base.StatusOK
	switch m.keepalive.Method {
	case Options:
		delete(r.Header, "Public")
	case GetParameter:
		r.Header["Public"] = base.HeaderValue{string(base.GetParameter)}
	default:
		if lines, given := r.Header["Public"]; given {
			r.Header["Public"] = base.HeaderValue{strings.ToUpper(strings.Join(lines, ","))}
		}
	}
	m.getParameter = strings.Contains(strings.Join(r.Header["Public"], ","), string(base.GetParameter))
}

// session settles the interval of keepalives. The client sends them 5 s before the session would end, which leaves a camera on a slow link no
// second chance; half the time does. Without a word from the camera it is 60 s (RFC 2326 section 12.37).
func (m *mender) session(r *base.Response) {
	given := r.Header["Session"]
	if len(given) == 0 && (m.asked.Method != base.Setup || r.StatusCode != base.StatusOK) {
		return
	}
	id, parameters, _ := strings.Cut(strings.Join(given[:min(1, len(given))], ""), ";")
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if seconds, err := strconv.ParseUint(strings.Trim(value, ` "`), 10, 24); err == nil && strings.EqualFold(strings.TrimSpace(name), "timeout") {
			m.sessionEnds = time.Duration(seconds) * time.Second
		}
	}
	const early = 5 // seconds, of the client
	seconds := int(m.interval() / time.Second)
	r.Header["Session"] = base.HeaderValue{fmt.Sprintf("%s;timeout=%d", strings.TrimSpace(id), seconds+early)}
}

func (m *mender) interval() time.Duration {
	switch {
	case m.keepalive.Method == Off:
		return 10 * 365 * 24 * time.Hour
	case m.keepalive.Interval != 0:
		return time.Duration(m.keepalive.Interval)
	case m.sessionEnds == 0:
		return 30 * time.Second
	}
	return max(m.sessionEnds/2, time.Second)
}

// description repairs the session description, and the base address that the client would stumble over.
func (m *mender) description(r *base.Response) {
	m.sdp = string(r.Body)
	m.found.answer(m.sdp)
	sdp := repaired(m.sdp)
	if sdp != m.sdp {
		m.found.set(camera.FactRepaired, "the description of the video (SDP)")
	}
	if err := understood(sdp); guard.Panicked(err) {
		sdp = ""
	} else if err == nil {
		r.Header["Content-Type"] = base.HeaderValue{"application/sdp"} // whatever the camera calls it
	}
	r.Body = []byte(sdp)
	if said := r.Header["Content-Base"]; len(said) > 0 {
		delete(r.Header, "Content-Base")
		if u := rebased(said[0], m.asked.URL); u != nil {
			r.Header["Content-Base"] = base.HeaderValue{u.CloneWithoutCredentials().String()}
		}
	}
}

// redirect lets the client follow a redirect, or not. The client would take our credentials along, so it may do so on the same host only.
func (m *mender) redirect(r *base.Response) {
	said := strings.Join(r.Header["Location"], "")
	to := redirected(said, m.asked.URL)
	m.hops++
	switch {
	case to == nil:
		m.refuse(camera.NotFound, "its redirect names no address", "check the URL in the camera's manual")
	case m.hops > maxHops:
		m.refuse(camera.NotFound, fmt.Sprintf("it redirects more than %d times", maxHops), "check the URL, and where the camera or recorder sends its viewers")
	case m.asked.URL.Scheme == "rtsps" && to.Scheme != "rtsps":
		m.refuse(camera.Protocol, "it redirects from rtsps:// to rtsp://, which would give the password away", "set the camera to TLS only, or write rtsp:// in the URL")
	case m.asked.URL.User != nil && !m.sameHost(to):
		m.elsewhere = to
		m.elsewhere.User = nil
	default:
		r.StatusCode = base.StatusFound
		r.Header["Location"] = base.HeaderValue{to.CloneWithoutCredentials().String()}
		return
	}
	delete(r.Header, "Location")
}

// sameHost tells whether an address is on the machine that we talk to, by its name or the IP address that the name stood for.
func (m *mender) sameHost(to *base.URL) bool {
	if strings.EqualFold(to.Hostname(), m.asked.URL.Hostname()) {
		return true
	}
	tcp, ok := m.reached.(*net.TCPAddr)
	return ok && tcp.IP.Equal(net.ParseIP(to.Hostname()))
}

func (m *mender) refuse(reason camera.Reason, what, advice string) {
	m.refused = &camera.Fault{Reason: reason, Err: errors.New(what), Advice: advice}
}
