package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"go.uber.org/zap"
)

const (
	// keepAlive is after how long without a sign of the broker it is asked for one, in seconds. After twice that a connection is dead.
	keepAlive = 20
	// logins bounds one attempt to connect, from the dialing to the acknowledged login.
	logins = 20 * time.Second
)

// run keeps the sink connected until it is closed.
func (s *Sink) run() {
	defer close(s.ended)
	for s.running.Err() == nil {
		err := guard.Run(func() error { return s.stayConnected(s.running) })
		if guard.Panicked(err) {
			s.options.Log.Error("the connection to the broker panicked", zap.Error(s.secrets.Error(err)))
			s.contact.end(errors.New("a mistake in the agent: the connection panicked, the log says where"), true)
			retry.Sleep(s.running, longestSulk)
		}
	}
}

// stayConnected connects again and again until ctx ends.
func (s *Sink) stayConnected(ctx context.Context) error {
	pace := newPace()
	for {
		s.contact.begin()
		lasted, err := s.attend(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause, sulking, err := pace.after(lasted, err)
		s.logLoss(err)
		s.contact.end(err, sulking)
		if sulking {
			retry.Sleep(ctx, pause)
			continue
		}
		s.rest(ctx, pause)
	}
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
	case <-s.contact.hurry:
	case <-ctx.Done():
	}
}

// attend connects once, and keeps the retained messages up to date until the connection ends; it returns why it has, and how long it lasted. When
// ctx ends it says goodbye.
func (s *Sink) attend(ctx context.Context) (lasted time.Duration, err error) {
	l, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.wire.Close() }()
	defer s.contact.lost(l)
	began := time.Now()
	refused, err := l.listen(ctx, s.topics)
	if err != nil {
		return time.Since(began), err
	}
	if refused != nil {
		s.options.Log.Warn("the broker does not let the agent listen, so that it cannot take back what earlier ones left behind, nor see Home Assistant start",
			zap.String("sink", s.options.Name), zap.String("broker", s.settings.place()))
	}
	err = s.serve(ctx, l)
	if ctx.Err() != nil {
		s.sayGoodbye(l)
	}
	return time.Since(began), err
}

// enter opens a connection and logs in.
func (s *Sink) enter(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, logins)
	defer cancel()
	l, err := connect(ctx, entry{s.settings, s.clientID, s.keepAlive, s.will(), s.topics})
	if away, ok := errors.AsType[awayError](err); ok && (away.code == noRetain || away.code == noQoS) {
		s.modest = true // from the next time on
	}
	return l, err
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

var errClosed = errors.New("the sink is closed")

// logLoss tells why there is no connection, once. Deliveries tell it as well, but there may be none for long.
func (s *Sink) logLoss(why error) {
	text := s.clean(why).Error()
	if text == s.trouble {
		return
	}
	s.trouble = text
	s.options.Log.Warn("no connection to the broker, trying again", zap.String("sink", s.options.Name), zap.String("error", text))
}

// logEntry tells that there is a connection, and what is not as it should be.
func (s *Sink) logEntry(l *link) {
	log := s.options.Log.With(zap.String("sink", s.options.Name), zap.String("broker", s.settings.place()))
	if s.trouble != "" || !s.entered {
		log.Info("connected to the broker")
	}
	if first := !s.entered; first && l.maxQoS < byte(s.settings.QoS) {
		log.Warn("the broker does not support the qos of the settings", zap.Int("qos", s.settings.QoS), zap.Uint8("used", l.maxQoS))
	}
	if first := !s.entered; first && !l.retains {
		log.Warn("the broker retains nothing: who subscribes later learns neither availability nor last values")
	}
	s.trouble, s.entered = "", true
}
