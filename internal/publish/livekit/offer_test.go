package livekit

import (
	"errors"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
)

func TestTheProfileIsWrittenAsOthersWriteIt(t *testing.T) {
	cases := map[string]struct {
		video h264.Format
		want  string
	}{
		"constrained baseline, by x264": {h264.Format{Profile: 66, Constraints: 0xc0, Level: 31}, "42e01f"},
		"baseline":                      {h264.Format{Profile: 66, Level: 41}, "420029"},
		"main, constraint_set1 told":    {h264.Format{Profile: 77, Constraints: 0x40, Level: 40}, "4d0028"},
		"high":                          {h264.Format{Profile: 100, Level: 51}, "640033"},
		"high, constrained":             {h264.Format{Profile: 100, Constraints: 0x0c, Level: 40}, "640028"},
		"another":                       {h264.Format{Profile: 88, Constraints: 0xc0, Level: 30}, "58c01e"},
		"nothing known":                 {h264.Format{}, "42e01f"},
	}
	for name, c := range cases {
		if got := profileLevelID(c.video); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestEveryProfileIsTakenAsItIsOffered(t *testing.T) {
	room := startSFU(t, "")
	for name, video := range map[string]h264.Format{
		"constrained baseline": {Profile: 66, Constraints: 0xc0, Level: 40},
		"baseline":             {Profile: 66, Level: 40},
		"main":                 {Profile: 77, Constraints: 0x40, Level: 40},
		"high":                 {Profile: 100, Level: 42},
		"unknown":              {},
	} {
		t.Run(name, func(t *testing.T) {
			joined, err := newPublisher().Join(t.Context(), room.in(t).grant("camera"), video)
			if err != nil {
				t.Fatal(err)
			}
			defer joined.Close()
			pc := joined.(*session).room.LocalParticipant.GetPublisherPeerConnection()
			if !strings.Contains(pc.RemoteDescription().SDP, fmtp(video)) {
				t.Errorf("offered %s, and the answer is\n%s", fmtp(video), pc.RemoteDescription().SDP)
			}
			if codec := joined.(*session).track.Codec(); codec.SDPFmtpLine != fmtp(video) {
				t.Errorf("bound to %v", codec)
			}
		})
	}
}

func TestARoomWithoutH264IsToldOfInPlainWords(t *testing.T) {
	for name, codecs := range map[string]string{"VP8 only": "{mime: audio/opus}, {mime: video/VP8}, {mime: video/rtx}", "no video": "{mime: audio/opus}"} {
		t.Run(name, func(t *testing.T) {
			room := startSFU(t, "room: {enabled_codecs: ["+codecs+"]}\n")
			_, err := newPublisher().Join(t.Context(), room.grant("camera"), h264.Format{Profile: 77, Level: 40, Width: 1920, Height: 1080})
			if !errors.Is(err, publish.ErrCodec) {
				t.Fatalf("joining: %v", err)
			}
			for _, part := range []string{"H264 with profile-level-id=4d0028", "Main, level 4.0, 1920x1080", "takes no video", "video/h264", "room.enabled_codecs"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in the error: %v", part, err)
				}
			}
		})
	}
}
