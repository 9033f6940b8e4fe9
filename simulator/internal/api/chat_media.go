package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"image"
	_ "image/jpeg" // the formats that data: URLs may hold
	_ "image/png"
	"net/http"
	"strconv"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/model"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/ovs"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/window"
)

// look gathers the readings of all pictures that the request names. Where one cannot be had the call is answered.
func (c *call) look(m model.Model) (model.Scene, bool) {
	var scene model.Scene
	region := ""
	for _, media := range c.chat.media() {
		readings, from, err := c.resolve(media, m)
		if err != nil {
			c.failMedia(err)
			return nil, false
		}
		if from != nil {
			if region != "" && from.Region != region {
				c.failMedia(&mediaError{http.StatusConflict, typeStream, "multiple_regions", "the references are to streams in different regions"})
				return nil, false
			}
			if region == "" && !c.reaches(from.Region) {
				return nil, false
			}
			region = from.Region
		}
		scene = append(scene, readings...)
	}
	for _, reading := range scene {
		c.chatLog.Counters = append(c.chatLog.Counters, reading.Counter)
		if live, known := c.live[reading.Camera]; known {
			c.chatLog.LiveCounter = live
		}
	}
	return scene, true
}

// A mediaError says why a reference cannot be looked at.
type mediaError struct {
	status  int
	kind    string
	code    string
	message string
}

func (e *mediaError) Error() string { return e.code + ": " + e.message }

// resolve returns the readings of one reference and the stream it is of, nil for pictures that came in the request.
func (c *call) resolve(media reference, m model.Model) (readings []picture.Reading, from *stream.Stream, err error) {
	switch {
	case strings.HasPrefix(media.url, ovs.Scheme):
	case strings.HasPrefix(media.url, "data:") && !media.video:
		reading, err := readData(media.url)
		return []picture.Reading{reading}, nil, err
	default:
		return nil, nil, &mediaError{http.StatusBadGateway, typeUpstream, "upstream_request_failed", "the simulator fetches nothing from the network"}
	}
	if media.video {
		return c.segment(media.url, m)
	}
	return c.image(media.url)
}

func (c *call) image(url string) ([]picture.Reading, *stream.Stream, error) {
	ref, err := ovs.ParseImage(url)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.watched(ref.Stream)
	if err != nil {
		return nil, nil, err
	}
	frame, active, err := s.Image(ref)
	if !active {
		return nil, nil, streamNotFound()
	}
	return []picture.Reading{frame.Reading}, s, err
}

func (c *call) segment(url string, m model.Model) ([]picture.Reading, *stream.Stream, error) {
	ref, err := ovs.ParseSegment(url)
	if err != nil {
		return nil, nil, err
	}
	if !m.Video {
		return nil, nil, &mediaError{http.StatusBadRequest, typeValidation, "model_video_unsupported", "the model takes no video"}
	}
	s, err := c.watched(ref.Stream)
	if err != nil {
		return nil, nil, err
	}
	frames, active, err := s.Segment(ref)
	if !active {
		return nil, nil, streamNotFound()
	}
	readings := make([]picture.Reading, 0, len(frames))
	for _, frame := range frames {
		readings = append(readings, frame.Reading)
	}
	return readings, s, err
}

// watched returns a stream that the caller may ask about.
func (c *call) watched(id string) (*stream.Stream, error) {
	s, found := c.Streams.Find(id)
	switch {
	case !found:
		return nil, streamNotFound()
	case s.User != c.key.User:
		return nil, &mediaError{http.StatusForbidden, typeStream, "stream_unauthorized", "the stream belongs to somebody else"}
	}
	return s, nil
}

func streamNotFound() error {
	return &mediaError{http.StatusNotFound, typeStream, "stream_not_found", "no such stream"}
}

// failMedia answers with the envelope for an error of look.
func (c *call) failMedia(err error) {
	if e, ok := errors.AsType[*ovs.Error](err); ok {
		c.failQuery(e)
		return
	}
	if e, ok := errors.AsType[*window.Error](err); ok {
		c.failWindow(e)
		return
	}
	if e, ok := errors.AsType[*mediaError](err); ok {
		c.failChat(e.status, chatErrorBody{Message: e.message, Type: e.kind, Code: e.code})
		return
	}
	c.failChat(http.StatusInternalServerError, chatErrorBody{Message: err.Error(), Type: typeInternal, Code: "internal_error"})
}

func (c *call) failQuery(e *ovs.Error) {
	wrong := problem{[]any{"body", "messages"}, e.Message, e.Code}
	switch rule := c.Switches.Text(switches.BadQuery); {
	case e.Code == ovs.CodeParamInvalid && rule == "422-validation":
		c.reply(http.StatusUnprocessableEntity, invalidBody(wrong))
	case e.Code == ovs.CodeParamInvalid && rule == "422-framework":
		c.reply(http.StatusUnprocessableEntity, frameworkError{[]problem{wrong}})
	default:
		c.failChat(http.StatusBadRequest, chatErrorBody{Message: e.Message, Type: typeValidation, Code: e.Code})
	}
}

func (c *call) failWindow(e *window.Error) {
	body := chatErrorBody{Message: e.Message, Type: typeStream, Code: e.Code}
	switch e.Code {
	case window.CodeEvicted:
		c.failChat(http.StatusGone, body)
	case window.CodeEmpty:
		c.failChat(http.StatusNotFound, body)
	case window.CodeEndNotAfter:
		body.Type = typeValidation
		c.failChat(http.StatusBadRequest, body)
	case window.CodeNotYet:
		status, _ := strconv.Atoi(c.Switches.Text(switches.FutureIndex))
		if status == http.StatusUnprocessableEntity {
			c.reply(status, invalidBody(problem{[]any{"body", "messages"}, e.Message, e.Code}))
			return
		}
		c.failChat(status, body)
	}
}

// readData reads the picture in a data: URL.
func readData(url string) (picture.Reading, error) {
	refused := func(why string) error {
		return &mediaError{http.StatusBadRequest, typeValidation, "query_param_invalid", "data: URL: " + why}
	}
	_, encoded, found := strings.Cut(url, ";base64,")
	if !found {
		return picture.Reading{}, refused("not base64")
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return picture.Reading{}, refused("broken base64")
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || size.Width*size.Height > 1<<25 {
		return picture.Reading{}, refused("no JPEG or PNG of a sane size")
	}
	decoded, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return picture.Reading{}, refused("a broken picture")
	}
	return readPicture(decoded), nil
}

// readPicture reads a picture of any kind, cut to an even size.
func readPicture(src image.Image) picture.Reading {
	origin, width, height := src.Bounds().Min, src.Bounds().Dx()&^1, src.Bounds().Dy()&^1
	planes := make([]byte, width*height*3/2)
	luma, cb, cr := planes[:width*height], planes[width*height:width*height*5/4], planes[width*height*5/4:]
	for y := range height {
		for x := range width {
			r, g, b, _ := src.At(origin.X+x, origin.Y+y).RGBA()
			yy, u, v := videoRange(int(r>>8), int(g>>8), int(b>>8))
			luma[y*width+x] = yy
			if x%2 == 0 && y%2 == 0 {
				cb[y/2*(width/2)+x/2], cr[y/2*(width/2)+x/2] = u, v
			}
		}
	}
	return new(picture.Reader).Read(planes, width, height)
}

// videoRange turns RGB into BT.601 video-range samples, as decoded video has them.
func videoRange(r, g, b int) (y, cb, cr byte) {
	return byte((66*r+129*g+25*b+128)>>8 + 16), byte((-38*r-74*g+112*b+128)>>8 + 128), byte((112*r-94*g-18*b+128)>>8 + 128)
}
