package livekit

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// join enters the room and announces the track. It may go on for some seconds after ctx has ended, and then leaves nothing behind.
func (s *session) join(ctx context.Context, grant overshoot.Grant) error {
	var room *lksdk.Room
	room = lksdk.NewRoom(&lksdk.RoomCallback{
		OnDisconnected: func() { s.guarded(func() { s.onDisconnected(room.DisconnectReason()) }) },
		OnReconnecting: func() { s.guarded(s.onReconnecting) },
		OnReconnected:  func() { s.guarded(s.onReconnected) },
	})
	ctx, line := withLine(ctx)
	err := room.JoinWithContextAndToken(ctx, grant.URL, grant.Token,
		lksdk.WithAutoSubscribe(false), lksdk.WithConnectTimeout(joinTimeout/2), lksdk.WithCodecs(codecs(s.video)),
		lksdk.WithRetransmitBufferSize(repeatable))
	switch {
	case err != nil:
		line.letGo()
	case !line.letGo():
		err = context.Cause(ctx)
	case !s.enter(room):
		err = errors.New("given up while joining")
	}
	if err != nil {
		room.Disconnect()
		return err
	}
	return s.announce(room.LocalParticipant)
}

// repeatable is how many packets the SDK keeps, 1.5 kB each, to send them again when the room misses some: a second of 5 Mbit/s. Its own
// choice is twice that, and would be a third of what a camera costs in memory. It must be a power of two.
const repeatable = 512

// enter reports false if the session was closed before. From here on Close leaves the room; before, only the join can: the SDK does not
// stand being disconnected while it connects, and would keep what it connects after that.
func (s *session) enter(room *lksdk.Room) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.room = room
	return true
}

// A line is the connection over which a join talks to the server. It is cut when the context of the join ends: the SDK itself looks at its
// context no more once the server has taken the websocket, and would wait for its first word for ever.
type line struct {
	letGo func() bool // keeps the line from then on; false: it was cut

	mu   sync.Mutex
	conn net.Conn
	cut  bool
}

// withLine returns a context in which the SDK's dialer makes its connection known.
func withLine(ctx context.Context) (context.Context, *line) {
	l := &line{}
	l.letGo = context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cut = true
		if l.conn != nil {
			_ = l.conn.Close()
		}
	})
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: l.connected}), l
}

func (l *line) connected(info httptrace.GotConnInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = info.Conn
	if l.cut {
		_ = l.conn.Close()
	}
}
