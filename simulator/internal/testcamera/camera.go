package testcamera

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
)

// VP8 is a codec that can be announced but not played: nobody can show it, and a camera that says so is not opened.
const VP8 clip.Codec = "vp8"

// defaultPayloadSize is what most cameras use. It is more than the 1200 bytes that LiveKit takes.
const defaultPayloadSize = 1400

// Sets says where a camera gives its parameter sets.
type Sets int

// The places.
const (
	SetsEverywhere Sets = iota // in the SDP, and before each key frame
	SetsInSDP
	SetsInBand
	SetsAnnexB // in the SDP only, and with start codes, which do not belong there
)

// Markers says which packets a camera marks as the last ones of their pictures.
type Markers int

// The kinds.
const (
	MarkersLast Markers = iota // the last ones
	MarkersAll
	MarkersNone
)

// A Camera is the settings of one camera.
type Camera struct {
	Name     string     // path of the URL; must be unique
	Clip     *clip.Clip // only read
	Username string     // empty: open to all
	Password string

	Says         clip.Codec // the codec in the SDP; the default is the clip's
	PayloadSize  int        // most bytes in an RTP payload, the default is 1400
	Sets         Sets
	Markers      Markers
	WildClock    bool          // every 50 pictures the RTP clock leaps, by turns an hour ahead and two hours back
	Untidy       bool          // each packet is sent twice, and every other one only after its successor
	Unaggregated bool          // each NAL unit of H.264 in packets of its own, none in a STAP-A
	DropAfter    time.Duration // every viewer's connection is closed so long after it began to play; 0: never
}

// camera is a playing Camera.
type camera struct {
	Camera
	server *gortsplib.Server
	media  *description.Media

	mutex    sync.Mutex
	stream   *gortsplib.ServerStream // of the viewers that are not silenced
	password string
	down     bool
	stalled  bool
	frames   int // pictures sent
	plays    int // viewers that ever began to play
	refused  int // requests with a wrong user name or password
	sessions map[*gortsplib.ServerSession]*gortsplib.ServerConn
}

func newCamera(server *gortsplib.Server, settings Camera) (*camera, error) {
	if settings.PayloadSize == 0 {
		settings.PayloadSize = defaultPayloadSize
	}
	c := &camera{
		Camera:   settings,
		server:   server,
		media:    &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{settings.format()}},
		password: settings.Password,
		sessions: map[*gortsplib.ServerSession]*gortsplib.ServerConn{},
	}
	return c, c.renewStream()
}

// renewStream makes viewers that come from now on see what is sent from now on. Those that are there keep their sessions and see nothing more.
func (c *camera) renewStream() error {
	stream := &gortsplib.ServerStream{Server: c.server, Desc: &description.Session{Medias: []*description.Media{c.media}}}
	if err := stream.Initialize(); err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.stream = stream
	return nil
}

// check returns all that is wrong with the cameras.
func check(cameras []Camera) error {
	var problems []error
	seen := map[string]bool{}
	for _, c := range cameras {
		switch {
		case c.Name == "" || seen[c.Name]:
			problems = append(problems, fmt.Errorf("test camera %q: a name must be given and unique", c.Name))
		case !slices.Contains([]clip.Codec{"", clip.H264, clip.H265, clip.MJPEG, VP8}, c.Says):
			problems = append(problems, fmt.Errorf("test camera %q: codec %q: want h264, h265, mjpeg or vp8", c.Name, c.Says))
		case c.Clip == nil || len(c.Clip.Units) == 0:
			problems = append(problems, fmt.Errorf("test camera %q: there is no clip to play", c.Name))
		case c.Clip.Codec == clip.MJPEG && c.says() != clip.MJPEG:
			problems = append(problems, fmt.Errorf("test camera %q: MJPEG has a payload type of its own and goes under no other name", c.Name))
		case c.Clip.Codec != c.says() && (c.Sets == SetsInSDP || c.Sets == SetsAnnexB):
			problems = append(problems, fmt.Errorf("test camera %q: its parameter sets would be nowhere", c.Name))
		}
		seen[c.Name] = true
	}
	return errors.Join(problems...)
}

// access returns what a viewer must show, what it then gets to see, and whether the camera refuses all.
func (c *camera) access() (username, password string, stream *gortsplib.ServerStream, down bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.Username, c.password, c.stream, c.down
}

func (c *camera) refuse() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.refused++
}

func (c *camera) addSession(session *gortsplib.ServerSession, conn *gortsplib.ServerConn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.plays++
	c.sessions[session] = conn
	if c.DropAfter > 0 {
		time.AfterFunc(c.DropAfter, func() { drop(session, conn) })
	}
}

func (c *camera) removeSession(session *gortsplib.ServerSession) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.sessions, session)
}

// disconnect closes the TCP connection and the session of every viewer.
func (c *camera) disconnect() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for session, conn := range c.sessions {
		drop(session, conn)
	}
}

func drop(session *gortsplib.ServerSession, conn *gortsplib.ServerConn) {
	conn.Close()
	session.Close() // with UDP a session outlives its connection
}
