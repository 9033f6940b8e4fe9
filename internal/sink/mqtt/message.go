package mqtt

import (
	"context"
	"io"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// A message is what is published.
type message struct {
	topic       string
	payload     []byte
	qos         byte
	retain      bool
	contentType string // "" for text
	expiry      uint32 // seconds; 0 for never
	ours        bool   // may be taken back, also by a later life of the agent: it bears our mark
}

// ownerKey is the user property of what we retain. Its value says whose it is: topics alone do not, as others may write below our base.
const ownerKey = "owner"

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
	if m.ours {
		p.Properties.User.Add(ownerKey, l.owner)
	}
	if size := l.sizeOf(p); size > int64(l.maxPacket) {
		return receipt{}, tooLarge(size, l.maxPacket)
	}
	if p.QoS == 0 {
		return receipt{}, l.hand(ctx, p)
	}
	select { // the library could wait as well, but prints to the standard output when it is called off at the wrong moment
	case l.slots <- struct{}{}:
	case <-l.lost:
		return receipt{}, l.why
	case <-ctx.Done():
		return receipt{}, context.Cause(ctx)
	}
	r := receipt{make(chan packets.ControlPacket, 1), l}
	return r, l.hand(context.WithValue(ctx, receiptKey{}, r), p)
}

// hand hands a message to the library.
func (l *link) hand(ctx context.Context, p *paho.Publish) error {
	_, err := l.client.PublishWithOptions(ctx, p, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil || l.wire.bad.Load():
		return l.gone(ctx)
	}
	return nil
}

// sizeOf returns the size of a packet, in bytes; less when it is far from too large.
func (l *link) sizeOf(p *paho.Publish) int64 {
	const header = 256 // more than ours ever is, beside topic and mark
	if rough := int64(len(p.Payload) + len(p.Topic) + len(l.owner)); rough+header <= int64(l.maxPacket) {
		return rough
	}
	n, _ := p.Packet().WriteTo(io.Discard)
	return n
}
