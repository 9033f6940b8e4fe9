package media_test

import (
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// forward publishes the H.264 of an RTSP camera in a room, packet by packet, until the returned function is called. The
// camera's payloads must not exceed 1200 bytes.
func forward(t *testing.T, cameraURL, serverURL, token string) (stop func()) {
	t.Helper()
	room, err := lksdk.ConnectToRoomWithToken(serverURL, token, &lksdk.RoomCallback{}, lksdk.WithAutoSubscribe(false))
	if err != nil {
		t.Fatalf("joining as publisher: %v", err)
	}
	track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{Source: livekit.TrackSource_CAMERA}); err != nil {
		t.Fatalf("publishing: %v", err)
	}
	client := play(t, cameraURL, func(packet *rtp.Packet) { _ = track.WriteRTP(packet, nil) })
	return func() {
		client.Close()
		room.Disconnect()
	}
}

// play hands out the packets of an RTSP camera until the client is closed.
func play(t *testing.T, cameraURL string, onPacket func(*rtp.Packet)) *gortsplib.Client {
	t.Helper()
	u, err := base.ParseURL(cameraURL)
	if err != nil {
		t.Fatal(err)
	}
	protocol := gortsplib.ProtocolTCP
	client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &protocol}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	desc, _, err := client.Describe(u)
	if err != nil {
		t.Fatal(err)
	}
	var h264 *format.H264
	video := desc.FindFormat(&h264)
	if _, err := client.Setup(desc.BaseURL, video, 0, 0); err != nil {
		t.Fatal(err)
	}
	client.OnPacketRTP(video, h264, onPacket)
	if _, err := client.Play(nil); err != nil {
		t.Fatal(err)
	}
	return client
}
