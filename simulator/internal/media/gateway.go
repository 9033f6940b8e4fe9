// Package media is the media gateway of the simulator: it joins the room of a stream as the service would, takes in the
// H.264 that really arrives there, has it decoded by an ffmpeg child, and reads every picture.
//
// Picture by picture: RTP packets are put in order (reorder.go) and together to access units (assemble.go), one decoder
// per track turns those into small pictures (decoder.go, process.go), and picture.Reader says what they show. A Room joins again
// for as long as it is open, whatever happens to the server (room.go).
package media

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/livekit"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// A Frame is one picture that arrived.
type Frame struct {
	At      time.Time       // when its last packet arrived
	Key     bool            // it is an IDR picture
	Bytes   int             // size of the access unit
	Reading picture.Reading // valid when Decoded
	Decoded bool            // false when the Gateway does not decode
}

// Events are called as things happen in a Room, one at a time and in order; either may be nil. They must not block for
// long and must not close the Room. None is called after Close has returned.
type Events struct {
	OnFrame     func(Frame)
	OnPublisher func(joined bool) // a video track came or went; a track that replaces another says false, then true
}

// Options say how a Gateway works.
type Options struct {
	FFmpeg string      // program that decodes; the default is ffmpeg from the PATH
	Decode bool        // false: pictures are counted and not decoded, which costs next to nothing
	Log    *zap.Logger // nil for none; no token is ever logged
}

// A Gateway opens rooms on one server.
type Gateway struct {
	server  *livekit.Server
	service *lksdk.RoomServiceClient
	options Options
}

// silenceSDK turns off the SDK's own log lines for the whole process: they go to standard error by default, and those
// about refused joins hold the token.
var silenceSDK = sync.OnceFunc(func() { lksdk.SetLogger(logger.GetDiscardLogger()) })

// NewGateway returns a Gateway for a server, which it does not own.
func NewGateway(server *livekit.Server, options Options) *Gateway {
	silenceSDK()
	if options.FFmpeg == "" {
		options.FFmpeg = "ffmpeg"
	}
	if options.Log == nil {
		options.Log = zap.NewNop()
	}
	service := lksdk.NewRoomServiceClient(server.HTTPURL(), server.APIKey(), server.APISecret())
	return &Gateway{server: server, service: service, options: options}
}

// Open begins to join a room, which the server creates when absent, and returns at once. The Room must be closed; close
// it before DeleteRoom, for it would join again and so create the room anew.
func (g *Gateway) Open(name string, events Events) (*Room, error) {
	if name == "" {
		return nil, errors.New("opening a room: its name is empty")
	}
	if events.OnFrame == nil {
		events.OnFrame = func(Frame) {}
	}
	if events.OnPublisher == nil {
		events.OnPublisher = func(bool) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	room := &Room{
		gateway: g, name: name, events: events, cancel: cancel, done: make(chan struct{}),
		log: g.options.Log.With(zap.String("room", name)),
	}
	go room.run(ctx)
	return room, nil
}
