package testcamera

import (
	"errors"
	"fmt"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
)

// A Codec is what a camera announces.
type Codec string

// The codecs. Only H.264 is played: the others are announced and then silent, for they serve to test how a client refuses them.
const (
	H264  Codec = "h264"
	H265  Codec = "h265"
	MJPEG Codec = "mjpeg"
)

// defaultPayloadSize is what most cameras use. It is more than the 1200 bytes that LiveKit takes.
const defaultPayloadSize = 1400

// A Camera is the settings of one camera.
type Camera struct {
	Name     string     // path of the URL; must be unique
	Clip     *clip.Clip // only read; needed for H264
	Username string     // empty: open to all
	Password string

	PayloadSize           int   // most bytes in an RTP payload, the default is 1400
	NoInBandParameterSets bool  // SPS and PPS stand in the SDP only
	Codec                 Codec // the default is H264
}

// camera is a playing Camera.
type camera struct {
	Camera
	stream *gortsplib.ServerStream
	media  *description.Media

	mutex    sync.Mutex
	password string
	down     bool
	stalled  bool
	frames   int // pictures sent
	sessions map[*gortsplib.ServerSession]*gortsplib.ServerConn
}

func newCamera(server *gortsplib.Server, settings Camera) (*camera, error) {
	if settings.PayloadSize == 0 {
		settings.PayloadSize = defaultPayloadSize
	}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{settings.format()}}
	c := &camera{
		Camera:   settings,
		media:    media,
		stream:   &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{media}}},
		password: settings.Password,
		sessions: map[*gortsplib.ServerSession]*gortsplib.ServerConn{},
	}
	return c, c.stream.Initialize()
}

// format returns what the SDP says of the camera.
func (c Camera) format() format.Format {
	switch c.Codec {
	case H265:
		return &format.H265{PayloadTyp: 96}
	case MJPEG:
		return &format.MJPEG{}
	default:
		return &format.H264{PayloadTyp: 96, SPS: c.Clip.SPS, PPS: c.Clip.PPS, PacketizationMode: 1}
	}
}

// plays says whether the camera sends pictures.
func (c Camera) plays() bool { return c.Codec == H264 || c.Codec == "" }

// check returns all that is wrong with the cameras.
func check(cameras []Camera) error {
	var problems []error
	seen := map[string]bool{}
	for _, c := range cameras {
		switch {
		case c.Name == "" || seen[c.Name]:
			problems = append(problems, fmt.Errorf("test camera %q: a name must be given and unique", c.Name))
		case c.Codec != "" && c.Codec != H264 && c.Codec != H265 && c.Codec != MJPEG:
			problems = append(problems, fmt.Errorf("test camera %q: codec %q: want h264, h265 or mjpeg", c.Name, c.Codec))
		case c.plays() && (c.Clip == nil || len(c.Clip.Units) == 0):
			problems = append(problems, fmt.Errorf("test camera %q: there is no clip to play", c.Name))
		}
		seen[c.Name] = true
	}
	return errors.Join(problems...)
}

// access returns what a viewer must show, and whether the camera refuses all.
func (c *camera) access() (username, password string, down bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.Username, c.password, c.down
}

func (c *camera) addSession(session *gortsplib.ServerSession, conn *gortsplib.ServerConn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.sessions[session] = conn
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
		conn.Close()
		session.Close() // with UDP a session outlives its connection
	}
}
