package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

const (
	// maxIncoming is the largest packet that we take, in bytes: all we ask for is a word of Home Assistant's, and what we have once written.
	maxIncoming = 64 << 10
	// incoming is how many of them may wait for our acknowledgement.
	incoming = 16
	// maxFlying is how many messages may wait for the broker's, where it does not want fewer.
	maxFlying = 256
	// maxFound bounds what is remembered of retained messages that are found.
	maxFound = 10_000
)

// A link is one connection to the broker, from the CONNACK on. Its session ends with it: what is to be delivered lies with our caller.
type link struct {
	client *paho.Client
	wire   *wire
	owner  string        // who has written what we retain, see message
	slots  chan struct{} // has one for each message that the broker has not acknowledged
	birth  chan struct{} // gets a token when Home Assistant has started; buffered
	births string        // the topic where it says so

	ended sync.Once
	lost  chan struct{} // closed when the connection has ended
	why   error         // it has; read after lost

	telling atomic.Bool // retained messages wait for their acknowledgement

	found     sync.Mutex
	leftovers map[string][]byte // retained messages that we have written, in this life or an earlier one
	news      chan struct{}     // gets a token when there are more; buffered

	// What the broker can do.
	maxPacket uint32
	maxQoS    byte
	retains   bool
	wildcards bool
}

// An entry is what a link is opened with.
type entry struct {
	config    Config
	clientID  string
	keepAlive uint16  // seconds
	will      message // what the broker tells the others when we vanish
	topics    topics
}

// connect opens a connection and logs in.
func connect(ctx context.Context, e entry) (*link, error) {
	w, err := dial(ctx, e.config)
	if err != nil {
		return nil, lossError{err: err}
	}
	l := &link{
		wire: w, owner: e.topics.base, births: e.topics.births, lost: make(chan struct{}), birth: make(chan struct{}, 1),
		news: make(chan struct{}, 1), leftovers: map[string][]byte{}, maxPacket: math.MaxUint32, maxQoS: 2, retains: true, wildcards: true,
	}
	l.client = paho.NewClient(paho.ClientConfig{
		ClientID: e.clientID, Conn: w, Session: ledger{state.NewInMemory(), l}, AuthHandler: noAuth{},
		PingHandler:       pinger{paho.NewDefaultPinger(), e.keepAlive},
		OnClientError:     func(err error) { l.end(lossError{err: err, in: true}) },
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){l.heard},
	})
	ack, err := l.client.Connect(ctx, e.packet())
	if ack != nil && ack.ReasonCode >= unspecified {
		return nil, refusal(ack)
	}
	if err != nil {
		return nil, lossError{err: fmt.Errorf("the answer is not that of an MQTT 5 broker: %w", err)}
	}
	l.learn(ack.Properties)
	go l.watch()
	return l, nil
}

// packet returns the CONNECT packet.
func (e entry) packet() *paho.Connect {
	largest, most, c := uint32(maxIncoming), uint16(incoming), e.config
	return &paho.Connect{
		ClientID: e.clientID, KeepAlive: e.keepAlive, CleanStart: true,
		UsernameFlag: c.Username != "", Username: c.Username, PasswordFlag: !c.Password.IsZero(), Password: []byte(c.Password.Reveal()),
		Properties:     &paho.ConnectProperties{MaximumPacketSize: &largest, ReceiveMaximum: &most, RequestProblemInfo: true},
		WillMessage:    &paho.WillMessage{Topic: e.will.topic, Payload: e.will.payload, QoS: e.will.qos, Retain: e.will.retain},
		WillProperties: &paho.WillProperties{},
	}
}

// learn notes what the broker can do.
func (l *link) learn(p *paho.ConnackProperties) {
	if p == nil {
		return
	}
	l.retains, l.wildcards = p.RetainAvailable, p.WildcardSubAvailable
	if p.MaximumPacketSize != nil {
		l.maxPacket = *p.MaximumPacketSize
	}
	if p.MaximumQoS != nil {
		l.maxQoS = *p.MaximumQoS
	}
}

// watch makes the end of the connection known where nothing else does, such as when it was we who closed it.
func (l *link) watch() {
	<-l.client.Done()
	time.Sleep(patience) // who knows why is about to say so
	l.end(errLost)
}

// patience is how long it takes at most until everybody knows that a connection has ended, once one does.
const patience = time.Second

// end notes the first reason for which the connection ended.
func (l *link) end(why error) {
	l.ended.Do(func() {
		l.why = why
		close(l.lost)
	})
}

// gone ends the connection, which something has shown to be of no use any more, and returns why it is.
func (l *link) gone(ctx context.Context) error {
	_ = l.wire.Close()
	select {
	case <-l.lost:
		return l.why
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// blame returns err, but where the broker has closed the connection for the sake of a message, and it may have been the first one that it
// did not acknowledge, that counts as a refusal. While retained messages are sent it may as well have been one of them.
func (l *link) blame(err error) error {
	if away, ok := errors.AsType[awayError](err); ok && isPoison(away.code) && !l.telling.Load() {
		return &sink.Error{Kind: sink.Refused, Err: err}
	}
	return err
}

// over reports whether the connection has ended.
func (l *link) over() bool {
	select {
	case <-l.lost:
		return true
	default:
		return l.wire.bad.Load()
	}
}

// listen subscribes to Home Assistant's word, and to what the broker keeps of us: a camera may have been removed while the agent was down.
// The error is nil when the broker forbids it, as it takes results all the same; refused says so.
func (l *link) listen(ctx context.Context, t topics) (refused, err error) {
	if t.births != "" {
		if refused, err = l.subscribe(ctx, paho.SubscribeOptions{Topic: t.births, QoS: min(1, l.maxQoS), RetainHandling: 2}); refused != nil || err != nil {
			return refused, err
		}
	}
	if !l.wildcards || !l.retains {
		return nil, nil
	}
	var filters []paho.SubscribeOptions
	for _, filter := range t.kept() {
		filters = append(filters, paho.SubscribeOptions{Topic: filter, NoLocal: true})
	}
	return l.subscribe(ctx, filters...)
}

func (l *link) subscribe(ctx context.Context, to ...paho.SubscribeOptions) (refused, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // the library does not notice
		defer cancel()
		select {
		case <-l.lost:
		case <-ctx.Done():
		}
	}()
	ack, err := l.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: to})
	switch {
	case ack != nil || err == nil:
		return err, nil
	case l.over():
		return nil, l.gone(context.Background())
	}
	return nil, lossError{err: err, in: true}
}

// heard takes a message of the broker's. Nothing in it can panic, so it needs no guard. It must not block: acknowledgements come behind it.
func (l *link) heard(p paho.PublishReceived) (bool, error) {
	switch m := p.Packet; {
	case m.Topic == l.births:
		if string(m.Payload) == "online" {
			ring(l.birth)
		}
	case m.Retain && len(m.Payload) > 0 && m.Properties != nil && m.Properties.User.Get(ownerKey) == l.owner:
		l.found.Lock()
		defer l.found.Unlock()
		if len(l.leftovers) < maxFound {
			l.leftovers[m.Topic] = m.Payload
		}
		ring(l.news)
	}
	return true, nil
}

// finds returns what was found since the last call.
func (l *link) finds() map[string][]byte {
	l.found.Lock()
	defer l.found.Unlock()
	all := l.leftovers
	l.leftovers = map[string][]byte{}
	return all
}

// ring puts a token into a buffered channel that has none.
func ring(bell chan<- struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
