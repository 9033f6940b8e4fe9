package livekit

import (
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	protocol "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// A sight is the first key frame of a track, as a viewer got it.
type sight struct {
	track      *protocol.TrackInfo
	subscribed time.Time
	complete   time.Time
	units      [][]byte
}

// view joins a room as somebody who watches, until the test ends. Each track that comes yields a sight.
func (s *sfu) view(identity string) <-chan sight {
	s.t.Helper()
	sights := make(chan sight, 16)
	callback := lksdk.NewRoomCallback()
	callback.OnTrackSubscribed = func(track *webrtc.TrackRemote, publication *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		now := time.Now()
		if units := firstKeyFrame(s.t, track); units != nil {
			sights <- sight{publication.TrackInfo(), now, time.Now(), units}
		}
	}
	grant := s.grant(identity)
	room, err := lksdk.ConnectToRoomWithToken(grant.URL, grant.Token, callback)
	if err != nil {
		s.t.Fatalf("joining as a viewer: %v", err)
	}
	s.t.Cleanup(room.Disconnect)
	return sights
}

// firstKeyFrame returns the units of the first picture of a track, which has to be a key frame; nil when the track ends before.
func firstKeyFrame(t *testing.T, track *webrtc.TrackRemote) [][]byte {
	pictures := map[uint32][]*rtp.Packet{}
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return nil
		}
		if len(packet.Payload) == 0 || int(packet.PaddingSize) >= len(packet.Payload) {
			continue // by which the server measures the line
		}
		all := append(pictures[packet.Timestamp], packet)
		slices.SortFunc(all, func(a, b *rtp.Packet) int { return int(int16(a.SequenceNumber - b.SequenceNumber)) })
		pictures[packet.Timestamp] = all
		if units := whole(t, all); units != nil {
			return units
		}
	}
}

// whole puts a picture together, or returns nil where something of it is missing yet.
func whole(t *testing.T, packets []*rtp.Packet) (units [][]byte) {
	first, last := packets[0], packets[len(packets)-1]
	if !last.Marker || int(last.SequenceNumber-first.SequenceNumber) != len(packets)-1 || !h264.Look(first.Payload).Has(h264.SPS) {
		return nil
	}
	decoder := &rtph264.Decoder{PacketizationMode: 1}
	if err := decoder.Init(); err != nil {
		t.Error(err)
		return nil
	}
	for _, p := range packets {
		units, _ = decoder.Decode(p) // all but the last one tell that there is more to come
	}
	return units
}
