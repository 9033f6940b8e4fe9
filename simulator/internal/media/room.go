package media

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	"go.uber.org/zap"
)

const (
	joinTimeout = 10 * time.Second // the SDK's own limits do not cover a server that takes the websocket and says nothing
	firstPause  = 50 * time.Millisecond
	maxPause    = time.Second
)

// A Room is one room that the gateway is in, or is trying to be in, until it is closed.
type Room struct {
	gateway *Gateway
	name    string
	events  Events
	log     *zap.Logger
	cancel  context.CancelFunc
	done    chan struct{}
	stats   counters
}

// Close leaves the room and returns when nothing of it runs any more.
func (r *Room) Close() {
	r.cancel()
	<-r.done
}

// run joins again and again until ctx ends. The pause grows with each failure and is back at its least after a success.
func (r *Room) run(ctx context.Context) {
	defer close(r.done)
	pause := firstPause
	for ctx.Err() == nil {
		joined, err := r.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if joined {
			pause = firstPause
		}
		r.log.Debug("not in the room, will join again", zap.Duration("pause", pause), zap.Error(err))
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(float64(pause) * (0.5 + rand.Float64()))):
		}
		pause = min(2*pause, maxPause)
	}
}

// runOnce joins, takes in what is published, and returns when the connection is lost or ctx ends.
func (r *Room) runOnce(ctx context.Context) (joined bool, err error) {
	visit := &visit{came: make(chan subscription), went: make(chan *webrtc.TrackRemote), over: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	connection, err := r.join(ctx, visit.callbacks(ctx))
	if err != nil {
		return false, err
	}
	r.stats.add(func(s *Stats) { s.Joins++ })
	err = visit.serve(ctx, r)
	cancel() // lets go of the callbacks that wait to be heard: Disconnect waits for them
	connection.Disconnect()
	return true, err
}

// join connects, or gives up after joinTimeout. The errors are our own words: the SDK's hold the token.
func (r *Room) join(ctx context.Context, callbacks *lksdk.RoomCallback) (*lksdk.Room, error) {
	token, err := r.gateway.gatewayToken(r.name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	connection, result := lksdk.NewRoom(callbacks), make(chan error)
	go func() {
		// The SDK keeps the context for later, so it must not end with the join.
		err := connection.JoinWithContextAndToken(context.WithoutCancel(ctx), r.gateway.server.URL(), token, lksdk.WithDisableRegionDiscovery())
		select {
		case result <- err:
		case <-ctx.Done(): // nobody waits for it any more
			connection.Disconnect()
		}
	}()
	select {
	case err := <-result:
		if err != nil {
			return nil, errors.New("the server refused the join or could not be reached")
		}
		return connection, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// A subscription is a track that the server began to forward.
type subscription struct {
	track      *webrtc.TrackRemote
	requestKey func() // asks the publisher for a key frame
}

// A visit is one stay in the room. The SDK's callbacks come from goroutines of its own; they hand over to serve.
type visit struct {
	came chan subscription
	went chan *webrtc.TrackRemote
	over chan struct{}
}

func (v *visit) callbacks(ctx context.Context) *lksdk.RoomCallback {
	over := func() {
		select {
		case v.over <- struct{}{}:
		default:
		}
	}
	callbacks := lksdk.NewRoomCallback()
	// The SDK would try to reconnect for a minute with growing pauses. Joining anew is quicker.
	callbacks.OnReconnecting = over
	callbacks.OnDisconnected = over
	callbacks.OnTrackSubscribed = func(track *webrtc.TrackRemote, publication *lksdk.RemoteTrackPublication, publisher *lksdk.RemoteParticipant) {
		if publication.TrackInfo().GetType() != livekit.TrackType_VIDEO {
			return
		}
		select {
		case v.came <- subscription{track, func() { publisher.WritePLI(track.SSRC()) }}:
		case <-ctx.Done():
		}
	}
	callbacks.OnTrackUnsubscribed = func(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		select {
		case v.went <- track:
		case <-ctx.Done():
		}
	}
	return callbacks
}

// serve receives the newest track until the visit is over.
func (v *visit) serve(ctx context.Context, room *Room) error {
	var current *reception
	stop := func() {
		if current != nil {
			current.stop()
			room.events.OnPublisher(false)
			current = nil
		}
	}
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-v.over:
			return errors.New("the connection was lost")
		case subscription := <-v.came:
			stop()
			room.events.OnPublisher(true)
			current = startReception(room, subscription)
		case track := <-v.went:
			if current != nil && current.track == track {
				stop()
			}
		}
	}
}
