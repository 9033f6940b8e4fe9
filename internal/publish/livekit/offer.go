package livekit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	protocol "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/pion/webrtc/v4"
)

// usual is the profile and level of video of which nothing is known. Every server knows it.
const usual = "42e01f"

// profileLevelID names the profile and the level of video (RFC 6184 section 8.1). WebRTC stacks compare the first two bytes bit by bit, so
// of the constraint flags only those are left that make another profile (table 5), as the stacks write them themselves.
func profileLevelID(video h264.Format) string {
	const constrained = 0x40 // constraint_set1_flag
	id := video.ProfileLevelID()
	profile, level := id[:2], id[4:]
	switch {
	case video == h264.Format{}:
		return usual
	case profile == "42" && video.Constraints&constrained != 0:
		return "42e0" + level
	case profile == "42", profile == "4d", profile == "64":
		return profile + "00" + level
	}
	return id
}

func fmtp(video h264.Format) string {
	return "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + profileLevelID(video)
}

// codecs are all that we offer: what the camera sends, and nothing beside it. Of the SDK's own list a server may take what it likes best,
// such as VP8 where it does not know the profile exactly. What is not on our list is retransmission by a stream of its own (RTX), for which
// the SDK has no payload type then; lost packets are sent again in the stream itself.
func codecs(video h264.Format) []protocol.Codec {
	return []protocol.Codec{{Mime: webrtc.MimeTypeH264, FmtpLine: fmtp(video)}}
}

// announce offers the track to the room.
func (s *session) announce(participant *lksdk.LocalParticipant) error {
	pc := participant.GetPublisherPeerConnection()
	if pc == nil {
		return errors.New("announcing the track: the SDK has no connection for it")
	}
	pc.OnSignalingStateChange(func(state webrtc.SignalingState) {
		if answer := pc.RemoteDescription(); state == webrtc.SignalingStateStable && answer != nil {
			s.guarded(func() { s.onAnswer(answer.SDP) })
		}
	})
	_, err := participant.PublishTrack(s.track, &lksdk.TrackPublicationOptions{
		Name: "camera", Source: protocol.TrackSource_CAMERA, VideoWidth: s.video.Width, VideoHeight: s.video.Height,
	})
	if err != nil {
		return fmt.Errorf("announcing the track: %w", err)
	}
	return nil
}

// onAnswer ends the stay if the room does not take our video. The SDK would wait for ever for a track that is bound to nothing.
func (s *session) onAnswer(answer string) {
	taken, ours := accepted(answer)
	if ours && !slices.Contains(taken, "H264") {
		s.lose(fmt.Errorf("%w: %s", publish.ErrCodec, s.refusal(taken)))
	}
}

// accepted returns the video codecs of an answer, none where it refuses the track (RFC 3264 section 6). ours is false where the answer is
// not about a track: it cannot be read, which the SDK says as well, or there was none yet.
func accepted(answer string) (codecs []string, ours bool) {
	parsed, err := (&webrtc.SessionDescription{SDP: answer}).Unmarshal() // a copy, because it writes down what it read
	if err != nil {
		return nil, false
	}
	for _, media := range parsed.MediaDescriptions {
		if media.MediaName.Media != "video" {
			continue
		}
		ours = true
		for _, a := range media.Attributes {
			if a.Key == "rtpmap" && media.MediaName.Port.Value != 0 {
				_, codec, _ := strings.Cut(a.Value, " ")
				codec, _, _ = strings.Cut(codec, "/")
				codecs = append(codecs, strings.ToUpper(codec))
			}
		}
	}
	return codecs, ours
}

func (s *session) refusal(taken []string) string {
	answer := "takes no video of ours at all"
	if len(taken) > 0 {
		answer = "answered with " + strings.Join(taken, ", ")
	}
	offer := "H264 with profile-level-id=" + profileLevelID(s.video)
	if s.video != (h264.Format{}) {
		offer += " (" + s.video.String() + ")"
	}
	return fmt.Sprintf("we offered %s, and its server %s; add video/h264 to the server's room.enabled_codecs", offer, answer)
}
