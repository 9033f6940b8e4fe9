package livekit

import (
	"errors"
	"fmt"
	"strings"
	"time"

	protocol "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
)

const (
	// mendGrace is how long the SDK may try to mend a dropped connection with the token it has. Its quick tries fall into that time and
	// keep the session; what they do not mend is left to the publisher loop, which has the newest token.
	mendGrace = 2 * time.Second
	// closeTimeout bounds leaving a room whose server does not answer.
	closeTimeout = 2 * time.Second
)

// A mend is the SDK's attempt to reconnect.
type mend struct {
	grace *time.Timer
	over  chan struct{}
}

func (s *session) onReconnecting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mend != nil || s.closed {
		return
	}
	broke := func() { s.lose(publish.ErrBroken) }
	s.mend = &mend{over: make(chan struct{}), grace: time.AfterFunc(mendGrace, func() { s.guarded(broke) })}
}

func (s *session) onReconnected() { s.mended() }

func (s *session) onDisconnected(reason protocol.DisconnectReason) {
	s.mended()
	s.lose(ended(reason))
}

// mended notes that the SDK no longer tries to reconnect.
func (s *session) mended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mend != nil {
		s.mend.grace.Stop()
		close(s.mend.over)
		s.mend = nil
	}
}

// ended says in plain words why the room ended our stay.
func ended(reason protocol.DisconnectReason) error {
	switch reason {
	case protocol.DisconnectReason_DUPLICATE_IDENTITY:
		return publish.ErrReplaced
	case protocol.DisconnectReason_PARTICIPANT_REMOVED:
		return errors.New("we were removed from the room")
	case protocol.DisconnectReason_ROOM_DELETED, protocol.DisconnectReason_ROOM_CLOSED:
		return errors.New("the room was closed")
	case protocol.DisconnectReason_SERVER_SHUTDOWN:
		return errors.New("the room's server is shutting down")
	case protocol.DisconnectReason_SIGNAL_CLOSE:
		return fmt.Errorf("%w and could not be mended", publish.ErrBroken)
	default:
		return errors.New("the room ended our stay: " + strings.ReplaceAll(strings.ToLower(reason.String()), "_", " "))
	}
}

// Close implements publish.Session.
func (s *session) Close() {
	s.mu.Lock()
	room, mend := s.room, s.mend
	s.room, s.closed = nil, true
	if mend != nil {
		mend.grace.Stop()
	}
	s.mu.Unlock()
	if room == nil {
		return
	}
	left := make(chan error, 1)
	go func() {
		left <- guard.Run(func() error {
			room.Disconnect()
			if mend != nil {
				endMend(room, mend.over)
			}
			return nil
		})
	}()
	select {
	case err := <-left:
		if err != nil {
			panic(err) // the caller has a guard as well, and somewhere to say it
		}
	case <-time.After(closeTimeout):
	}
}

// endMend ends an attempt of the SDK to reconnect, which may wait for the first word of a server for ever, and with it all that leaving the
// room would give back. What the SDK has for simulating a broken connection is the only way to its connection.
func endMend(room *lksdk.Room, over <-chan struct{}) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for range 30 { // its attempt is over sooner, but when it works out after all, it does not tell a room that was left
		room.Simulate(lksdk.SimulateSignalReconnect)
		select {
		case <-over:
			return
		case <-again.C:
		}
	}
}
