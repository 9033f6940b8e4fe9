package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxProfiles is of how many profiles the addresses are asked: a recorder with 64 channels has two for each.
const maxProfiles = 128

// A profile is a stream before its address is known. The two media services write it differently.
type profile struct {
	Token    string  `xml:"token,attr"`
	Name     string  `xml:"Name"`
	Source1  string  `xml:"VideoSourceConfiguration>SourceToken"`
	Encoder1 encoder `xml:"VideoEncoderConfiguration"`
	Source2  string  `xml:"Configurations>VideoSource>SourceToken"`
	Encoder2 encoder `xml:"Configurations>VideoEncoder"`
}

type encoder struct {
	Encoding string `xml:"Encoding"`
	Width    string `xml:"Resolution>Width"`
	Height   string `xml:"Resolution>Height"`
	Rate     string `xml:"RateControl>FrameRateLimit"`
}

// videos asks for all streams. The newer service goes first: the older one has no word for H.265, and cameras that send it there call it
// H.264 or nothing at all.
func (v *visit) videos(ctx context.Context) ([]Video, error) {
	var failed error
	for _, space := range []string{media2Space, mediaSpace} {
		if v.media[space] == nil {
			continue
		}
		videos, err := v.videosOf(ctx, space)
		if err == nil || errors.Is(err, ErrLoginWanted) || v.talk.lost != nil || ctx.Err() != nil {
			return videos, err
		}
		failed = err
	}
	return nil, failed
}

func (v *visit) videosOf(ctx context.Context, space string) ([]Video, error) {
	var answer struct {
		Profiles []profile `xml:"Body>GetProfilesResponse>Profiles"`
	}
	o := operation{space: space, name: "GetProfiles"}
	if space == media2Space {
		o.inside = "<Type>VideoSource</Type><Type>VideoEncoder</Type>"
	}
	if err := v.talk.ask(ctx, v.media[space], o, &answer); err != nil {
		return nil, err
	}
	var sources []string
	streams := map[string][]Stream{}
	failed := errors.New("it has no stream")
	for _, p := range answer.Profiles[:min(len(answer.Profiles), maxProfiles)] {
		s, err := v.stream(ctx, space, p)
		if err != nil {
			failed = err
			continue
		}
		source := strings.TrimSpace(cmp.Or(p.Source2, p.Source1))
		if streams[source] == nil {
			sources = append(sources, source)
		}
		streams[source] = append(streams[source], s)
	}
	var videos []Video
	for _, source := range sources {
		slices.SortStableFunc(streams[source], func(one, other Stream) int { return cmp.Compare(one.rank(), other.rank()) })
		videos = append(videos, Video{streams[source]})
	}
	if len(videos) == 0 {
		return nil, failed
	}
	return videos, nil
}

// stream asks for the address of a profile.
func (v *visit) stream(ctx context.Context, space string, p profile) (Stream, error) {
	e := p.Encoder1
	if space == media2Space {
		e = p.Encoder2
	}
	line := v.talk.clean.line
	s := Stream{
		Profile: line(cmp.Or(p.Name, p.Token)), Codec: codec(line(e.Encoding)),
		Width: number(e.Width), Height: number(e.Height), Rate: number(beforePoint(e.Rate)),
	}
	raw, err := v.address(ctx, space, p.Token)
	if err != nil {
		return s, err
	}
	s.URL, s.Said, err = v.door.streamURL(raw)
	s.Said = line(s.Said)
	return s, err
}

// beforePoint cuts a number that has a fraction, as the newer service may write rates.
func beforePoint(number string) string {
	whole, _, _ := strings.Cut(number, ".")
	return whole
}

// codec is the codec in our words.
func codec(encoding string) string {
	switch strings.ToUpper(encoding) {
	case "H264":
		return "H.264"
	case "H265":
		return "H.265"
	case "JPEG", "MJPEG":
		return "MJPEG"
	}
	return encoding
}

// address asks where a profile can be had by RTSP, the packets inside of the connection as the agent wants them. Some cameras know no other
// word than that for packets beside it; the address is the same.
func (v *visit) address(ctx context.Context, space, token string) (string, error) {
	const setup = `<StreamSetup><Stream xmlns="` + schemaSpace + `">RTP-Unicast</Stream>` +
		`<Transport xmlns="` + schemaSpace + `"><Protocol>RTSP</Protocol></Transport></StreamSetup>`
	asked := []string{setup}
	if space == media2Space {
		asked = []string{"<Protocol>RTSP</Protocol>", "<Protocol>RtspUnicast</Protocol>"}
	}
	var failed error
	for _, how := range asked {
		var answer struct {
			Older string `xml:"Body>GetStreamUriResponse>MediaUri>Uri"`
			Newer string `xml:"Body>GetStreamUriResponse>Uri"`
		}
		o := operation{space, "GetStreamUri", how + "<ProfileToken>" + escaped(token) + "</ProfileToken>"}
		failed = v.talk.ask(ctx, v.media[space], o, &answer)
		if found := strings.TrimSpace(cmp.Or(answer.Newer, answer.Older)); failed == nil && found != "" {
			return found, nil
		}
	}
	if failed == nil {
		failed = fmt.Errorf("GetStreamUri: the answer holds no address")
	}
	return "", failed
}

// rank is lower for what suits the agent better: what it can pass on as it is, of a size that a model makes use of; the larger the better
// then. Cameras whose codec is unknown mostly send H.265, for which their older service has no word.
func (s Stream) rank() int {
	const other = 4
	rank, known := map[string]int{"H.264": 0, "H.265": 1, "": 2, "MJPEG": 3}[s.Codec]
	if !known {
		rank = other
	}
	rank *= 1 << 20
	if s.Height > 1080 {
		return rank + 1<<19 + s.Height
	}
	return rank + 1080 - s.Height
}

// usable reports whether the agent has a use for the codec, as far as that is known.
func (s Stream) usable() bool {
	return slices.Contains([]string{"H.264", "H.265", "", "MJPEG"}, s.Codec)
}
