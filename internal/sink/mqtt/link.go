package mqtt

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session"
	"github.com/eclipse/paho.golang/paho/session/state"
)

const (
	keepAlive = 30 // seconds
	// maxIncoming is the largest packet that we take, in bytes: all we ask for is a word of Home Assistant's.
	maxIncoming = 64 << 10
	// incoming is how many of them may wait for our acknowledgement.
	incoming = 16
)

// errLost stands for what was sent and not acknowledged when a connection ended. It may have arrived.
var errLost = errors.New("the connection ended before the broker acknowledged the result")

// A link is one connection to the broker, from the CONNACK on. Its session ends with it: what is to be delivered lies with our caller.
type link struct {
	client *paho.Client
	wire   *wire
	lost   chan error    // gets why the connection ended; buffered
	birth  chan struct{} // gets a token when Home Assistant has started; buffered

	// What the broker can do.
	maxPacket uint32
	maxQoS    byte
	retains   bool
}

// connect opens a connection and logs in. The will is what the broker tells the others when we vanish. Messages on the topic births, where
// that is not empty, are told to link.birth.
func connect(ctx context.Context, c Config, clientID string, will message, births string) (*link, error) {
	w, err := dial(ctx, c)
	if err != nil {
		return nil, err
	}
	l := &link{wire: w, lost: make(chan error, 1), birth: make(chan struct{}, 1), maxPacket: math.MaxUint32, maxQoS: 2, retains: true}
	l.client = paho.NewClient(paho.ClientConfig{
		ClientID: clientID, Conn: w, Session: receipts{state.NewInMemory()},
		OnClientError:      func(err error) { l.end(lossError{err}) },
		OnServerDisconnect: func(d *paho.Disconnect) { l.end(disconnectError(d)) },
		OnPublishReceived:  []func(paho.PublishReceived) (bool, error){l.heard},
	})
	largest, most := uint32(maxIncoming), uint16(incoming)
	ack, err := l.client.Connect(ctx, &paho.Connect{
		ClientID: clientID, KeepAlive: keepAlive, CleanStart: true,
		UsernameFlag: c.Username != "", Username: c.Username, PasswordFlag: !c.Password.IsZero(), Password: []byte(c.Password.Reveal()),
		Properties:     &paho.ConnectProperties{MaximumPacketSize: &largest, ReceiveMaximum: &most, RequestProblemInfo: true},
		WillMessage:    &paho.WillMessage{Topic: will.topic, Payload: will.payload, QoS: 1, Retain: true},
		WillProperties: &paho.WillProperties{},
	})
	if ack != nil && ack.ReasonCode >= 0x80 {
		return nil, refusal(ack)
	}
	if err != nil {
		return nil, lossError{err}
	}
	l.learn(ack.Properties)
	return l, l.listen(ctx, births)
}

// learn notes what the broker can do.
func (l *link) learn(p *paho.ConnackProperties) {
	if p == nil {
		return
	}
	l.retains = p.RetainAvailable
	if p.MaximumPacketSize != nil {
		l.maxPacket = *p.MaximumPacketSize
	}
	if p.MaximumQoS != nil {
		l.maxQoS = *p.MaximumQoS
	}
}

// listen subscribes to Home Assistant's word. A broker that forbids it takes results all the same.
func (l *link) listen(ctx context.Context, births string) error {
	if births == "" {
		return nil
	}
	ack, err := l.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: births, QoS: min(1, l.maxQoS), RetainHandling: 2}}})
	if err != nil && ack == nil {
		_ = l.wire.Close() // its other end is slow to die, or gone already
		return lossError{err}
	}
	return nil
}

// heard takes a message of the broker's. Nothing in it can panic, so it needs no guard.
func (l *link) heard(p paho.PublishReceived) (bool, error) {
	if string(p.Packet.Payload) == "online" {
		select {
		case l.birth <- struct{}{}:
		default:
		}
	}
	return true, nil
}

// end notes the first reason for which a connection ended.
func (l *link) end(why error) {
	select {
	case l.lost <- why:
	default:
	}
}

// A message is what is published.
type message struct {
	topic       string
	payload     []byte
	qos         byte
	retain      bool
	contentType string // "" for text
	expiry      uint32 // seconds; 0 for never
}

// send sends a message after those that were sent before, and returns a receipt to wait for. It blocks while the broker has as many
// messages in flight as it wants to; then the end of ctx ends it.
func (l *link) send(ctx context.Context, m message) (receipt, error) {
	if ctx.Err() != nil {
		return receipt{}, context.Cause(ctx)
	}
	p := &paho.Publish{
		Topic: m.topic, Payload: m.payload, QoS: min(m.qos, l.maxQoS), Retain: m.retain && l.retains,
		Properties: &paho.PublishProperties{ContentType: m.contentType},
	}
	if m.expiry > 0 {
		p.Properties.MessageExpiry = &m.expiry
	}
	if size := l.sizeOf(p); size > int64(l.maxPacket) {
		return receipt{}, tooLarge(size, l.maxPacket)
	}
	r := receipt{make(chan packets.ControlPacket, 1), l.client.Done()}
	_, err := l.client.PublishWithOptions(context.WithValue(ctx, receiptKey{}, r), p, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
	switch {
	case err != nil && ctx.Err() != nil:
		return receipt{}, context.Cause(ctx)
	case err != nil || l.wire.bad.Load():
		return receipt{}, errLost
	case p.QoS == 0:
		return receipt{}, nil // nobody will acknowledge it
	}
	return r, nil
}

// sizeOf returns the size of a packet, in bytes; less when it is far from too large.
func (l *link) sizeOf(p *paho.Publish) int64 {
	const header = 256 // more than ours ever is, beside the topic
	if rough := int64(len(p.Payload) + len(p.Topic)); rough+header <= int64(l.maxPacket) {
		return rough
	}
	n, _ := p.Packet().WriteTo(io.Discard)
	return n
}

// A receipt is what a sender waits for. The zero receipt is of QoS 0.
type receipt struct {
	answer chan packets.ControlPacket // gets the broker's last word about the message
	over   <-chan struct{}            // closed when there will be none any more
}

// wait blocks until the broker has answered, the connection has ended, or ctx has. An answer that is there counts in any case. The library
// promises an answer also when the connection ends, but not for what was sent in that very moment.
func (r receipt) wait(ctx context.Context) error {
	if r.answer == nil {
		return nil
	}
	var err error
	select {
	case answer := <-r.answer:
		return verdict(answer)
	case <-r.over:
		err = errLost
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select {
	case answer := <-r.answer:
		return verdict(answer)
	default:
		return err
	}
}

type receiptKey struct{}

// receipts is a session whose answers go to the receipts that their senders brought along. The library itself offers either to send one
// message after the other was acknowledged, or not to hear of acknowledgements.
type receipts struct{ session.SessionManager }

// AddToSession implements session.SessionManager.
func (s receipts) AddToSession(ctx context.Context, p session.Packet, answer chan<- packets.ControlPacket) error {
	if r, ok := ctx.Value(receiptKey{}).(receipt); ok {
		answer = r.answer
	}
	return s.SessionManager.AddToSession(ctx, p, answer)
}
