package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"go.uber.org/zap"
)

const (
	firstPause, longestPause = 250 * time.Millisecond, 10 * time.Second
	// wellAfter is how long a connection must last for the next pause to be short again: two clients of one id throw each other out.
	wellAfter = 10 * time.Second
	// refresh is how often the inventory is looked at even when nobody said that it changed.
	refresh = 30 * time.Second
	// logins bounds one attempt to connect, from the dialing to the acknowledged login.
	logins = 20 * time.Second
)

// stayConnected connects again and again until ctx ends.
func (s *Sink) stayConnected(ctx context.Context) error {
	pause := retry.NewPause(firstPause, longestPause)
	for ctx.Err() == nil {
		started := time.Now()
		err := s.attend(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.settle(nil, err)
		if time.Since(started) > wellAfter {
			pause.Reset()
		}
		s.rest(ctx, pause.Next())
	}
	return ctx.Err()
}

// rest waits for a pause, or until a delivery wants to know.
func (s *Sink) rest(ctx context.Context, pause time.Duration) {
	if !retry.Sleep(ctx, min(pause, firstPause)) {
		return
	}
	timer := time.NewTimer(max(0, pause-firstPause))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.hurry:
	case <-ctx.Done():
	}
}

// attend connects once, and keeps the retained messages up to date until the connection ends. When ctx ends it says goodbye.
func (s *Sink) attend(ctx context.Context) error {
	trying, cancel := context.WithTimeout(ctx, logins)
	defer cancel()
	l, err := connect(trying, s.settings, s.clientID, s.will(), s.topics.births)
	if err != nil {
		return plain(err)
	}
	s.settle(l, nil)
	defer s.settle(nil, errLost)
	told := board{}
	soon := time.NewTimer(0)
	defer soon.Stop()
	rebirth := time.NewTimer(time.Hour)
	rebirth.Stop()
	for {
		select {
		case <-ctx.Done():
			s.sayGoodbye(l)
			return ctx.Err()
		case err := <-l.lost:
			return err
		case <-l.birth:
			rebirth.Reset(s.jitter())
			continue
		case <-rebirth.C:
			told.forget(s.topics.discovery)
		case <-s.changed:
		case <-soon.C:
		}
		if err := s.tell(ctx, l, told); err != nil && ctx.Err() == nil {
			_ = l.wire.Close()
			return err
		}
		soon.Reset(refresh)
	}
}

// sayGoodbye publishes that we are gone. When the broker does not acknowledge that in time, it is asked to publish our will.
func (s *Sink) sayGoodbye(l *link) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = l.wire.Close() })()
	reason := byte(0)
	got, err := l.send(ctx, s.will())
	if err == nil {
		err = got.wait(ctx)
	}
	if err != nil {
		reason = withWill
	}
	if err := l.client.Disconnect(&paho.Disconnect{ReasonCode: reason}); err != nil {
		s.options.Log.Debug("the broker was left without a goodbye", zap.String("broker", s.settings.place()))
	}
}

// withWill is the reason code "Disconnect with Will Message".
const withWill = 0x04

// settle notes how an attempt to connect has ended, or that a connection has.
func (s *Sink) settle(l *link, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := s.link != nil && l == nil
	if s.link, s.failure = l, failure; !lost {
		close(s.outcome)
		s.outcome = make(chan struct{})
	}
}

var errClosed = errors.New("the sink is closed")

// connection returns the connection, or why the attempt that it waited for has failed.
func (s *Sink) connection(ctx context.Context) (*link, error) {
	s.mu.Lock()
	l, outcome := s.link, s.outcome
	s.mu.Unlock()
	if l != nil {
		return l, nil
	}
	select {
	case s.hurry <- struct{}{}:
	default:
	}
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.running.Done():
		return nil, errClosed
	case <-outcome:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		return nil, s.failure
	}
	return s.link, nil
}

// plain says a failure to connect in words.
func plain(err error) error {
	if _, said := errors.AsType[lossError](err); said {
		return err
	}
	return lossError{err}
}
