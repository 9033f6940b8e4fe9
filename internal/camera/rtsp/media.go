package rtsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// offer is the video that a camera offers and we take.
type offer struct {
	media  *description.Media
	format format.Format
	codec  camera.Codec
	base   *base.URL // that the address of the media counts from
}

// codecs are those that we take, the best first.
var codecs = []camera.Codec{camera.H264, camera.H265, camera.MJPEG}

// choose finds the video among what the camera offers: of the best codec, the first one, and one that flows towards us before a back channel.
// What it returns is never marked as a back channel, since cameras also mark by mistake what they send.
func (s *Source) choose(session *description.Session) (offer, error) {
	var all []offer
	for _, m := range session.Medias {
		for _, f := range m.Formats {
			if codec := codecOf(f); codec != "" {
				all = append(all, offer{m, f, codec, session.BaseURL})
			}
		}
	}
	if len(all) == 0 {
		return offer{}, s.nothing(session)
	}
	best := slices.MinFunc(all, func(a, b offer) int { return a.rank() - b.rank() })
	best.media.IsBackChannel = false
	// The client takes it for granted that this address parses.
	if u, err := best.media.URL(session.BaseURL); err != nil || u == nil {
		return offer{}, &camera.Fault{
			Reason: camera.Protocol,
			Err:    fmt.Errorf("%s names the address %q for its video, which is none", s, best.media.Control),
			Advice: "update the camera's firmware, or take the stream from a recorder or relay",
		}
	}
	return best, nil
}

// rank is lower for what is better.
func (o offer) rank() int {
	r := 2 * slices.Index(codecs, o.codec)
	if o.media.IsBackChannel {
		r++
	}
	return r
}

// codecOf returns the codec of a format, "" for one that is no use. What the client does not know, because of an odd spelling or payload type,
// may be one all the same.
func codecOf(f format.Format) camera.Codec {
	switch f := f.(type) {
	case *format.H264:
		return camera.H264
	case *format.H265:
		return camera.H265
	case *format.MJPEG:
		return camera.MJPEG
	case *format.Generic:
		switch name, _, _ := strings.Cut(f.RTPMa, "/"); strings.Map(letterOrDigit, strings.ToUpper(name)) {
		case "H264", "AVC":
			return camera.H264
		case "H265", "HEVC":
			return camera.H265
		case "JPEG", "MJPEG":
			return camera.MJPEG
		}
	}
	return ""
}

func letterOrDigit(r rune) rune {
	if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
		return r
	}
	return -1
}

func (s *Source) nothing(session *description.Session) error {
	var offered []string
	for _, m := range session.Medias {
		for _, f := range m.Formats {
			offered = append(offered, nameOf(f))
		}
	}
	if len(offered) == 0 {
		offered = []string{"nothing"}
	}
	return &camera.Fault{
		Reason: camera.WrongCodec,
		Err:    fmt.Errorf("%s offers %s, and no H.264, H.265 or MJPEG", s, strings.Join(offered, ", ")),
		Advice: "set the camera's stream to H.264, or use the address of its second stream, which often is",
	}
}

// nameOf names a codec for people.
func nameOf(f format.Format) string {
	if generic, ok := f.(*format.Generic); ok {
		codec, _, _ := strings.Cut(generic.RTPMa, "/")
		if codec == "" {
			return fmt.Sprintf("payload type %d", generic.PayloadTyp)
		}
		return codec
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", f), "*format.")
}

// baseOf returns the address that the addresses of the media count from.
func baseOf(session *description.Session, asked *base.URL) *base.URL {
	if session.BaseURL != nil {
		if u := rebased(session.BaseURL.CloneWithoutCredentials().String(), asked); u != nil {
			return u
		}
	}
	return asked
}
