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

// choose finds the H.264 video among what the camera offers: the first one, and one that flows towards us before a back channel. What it returns
// is never a back channel, since cameras also mark by mistake what they send.
func (s *Source) choose(session *description.Session) (*description.Media, *format.H264, error) {
	medias := slices.SortedStableFunc(slices.Values(session.Medias), func(a, b *description.Media) int {
		return number(a.IsBackChannel) - number(b.IsBackChannel)
	})
	var found *format.H264
	media := (&description.Session{Medias: medias}).FindFormat(&found)
	if media == nil {
		return nil, nil, s.noH264(session)
	}
	media.IsBackChannel = false
	// The client takes it for granted that this address parses.
	if u, err := media.URL(session.BaseURL); err != nil || u == nil {
		return nil, nil, &camera.Fault{
			Reason: camera.Protocol,
			Err:    fmt.Errorf("%s names the address %q for its video, which is none", s, media.Control),
			Advice: "update the camera's firmware, or take the stream from a recorder or relay",
		}
	}
	return media, found, nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Source) noH264(session *description.Session) error {
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
		Err:    fmt.Errorf("%s offers %s, and no H.264", s, strings.Join(offered, ", ")),
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
