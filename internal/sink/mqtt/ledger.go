package mqtt

import (
	"context"
	"io"
	"net"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// A receipt is what a sender waits for. The zero receipt is of QoS 0.
type receipt struct {
	answer chan packets.ControlPacket // gets the broker's last word about the message
	link   *link
}

// wait blocks until the broker has answered, the connection has ended, or ctx has. An answer that is there counts in any case. The library
// promises an answer, an empty one, also when the connection ends, but does not keep that.
func (r receipt) wait(ctx context.Context) error {
	if r.answer == nil {
		return nil
	}
	var err error
	select {
	case answer := <-r.answer:
		return r.verdict(ctx, answer)
	case <-r.link.lost:
		err = r.link.why
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select {
	case answer := <-r.answer:
		return r.verdict(ctx, answer)
	default:
		return err
	}
}

func (r receipt) verdict(ctx context.Context, answer packets.ControlPacket) error {
	if answer.Content == nil {
		return r.link.gone(ctx)
	}
	return verdict(answer)
}

type receiptKey struct{}

// ledger is a session whose answers go to the receipts that their senders brought along. The library itself offers either to send one
// message after the other was acknowledged, or not to hear of acknowledgements.
type ledger struct {
	session.SessionManager
	link *link
}

// ConAckReceived implements session.SessionManager. It is called before anything else is sent or received.
func (s ledger) ConAckReceived(to io.Writer, sent *packets.Connect, ack *packets.Connack) error {
	most := maxFlying
	if ack.Properties != nil && ack.Properties.ReceiveMaximum != nil {
		most = max(1, min(most, int(*ack.Properties.ReceiveMaximum)))
	}
	s.link.slots = make(chan struct{}, most)
	return s.SessionManager.ConAckReceived(to, sent, ack)
}

// AddToSession implements session.SessionManager.
func (s ledger) AddToSession(ctx context.Context, p session.Packet, answer chan<- packets.ControlPacket) error {
	if r, ok := ctx.Value(receiptKey{}).(receipt); ok {
		answer = r.answer
	}
	return s.SessionManager.AddToSession(ctx, p, answer)
}

// PacketReceived implements session.SessionManager. The guard is for the library, which answers on a connection that it has just forgotten.
func (s ledger) PacketReceived(p *packets.ControlPacket, to chan<- *packets.Publish) error {
	err := guard.Run(func() error { return s.SessionManager.PacketReceived(p, to) })
	if isLast(p) {
		select {
		case <-s.link.slots:
		default: // it acknowledges what was never sent
		}
	}
	return err
}

// isLast reports whether a packet is the last that comes about a message.
func isLast(p *packets.ControlPacket) bool {
	switch answer := p.Content.(type) {
	case *packets.Puback, *packets.Pubcomp:
		return true
	case *packets.Pubrec:
		return answer.ReasonCode >= unspecified
	}
	return false
}

// ConnectionLost implements session.SessionManager. The library calls it with the broker's goodbye before anything else happens.
func (s ledger) ConnectionLost(goodbye *packets.Disconnect) error {
	if goodbye != nil {
		s.link.end(sentAway(goodbye))
	}
	return s.SessionManager.ConnectionLost(goodbye)
}

// pinger is the library's, which takes every interval that the broker wishes for: one of hours, or none, would leave a dead connection
// unnoticed.
type pinger struct {
	*paho.DefaultPinger
	longest uint16 // seconds
}

// Run implements paho.Pinger.
func (p pinger) Run(ctx context.Context, conn net.Conn, seconds uint16) error {
	if seconds == 0 || seconds > p.longest {
		seconds = p.longest
	}
	return p.DefaultPinger.Run(ctx, conn, seconds)
}

// noAuth says no to all further questions of the broker. Without it, the library panics when there is one.
type noAuth struct{}

// Authenticate implements paho.Auther.
func (noAuth) Authenticate(*paho.Auth) *paho.Auth {
	return &paho.Auth{ReasonCode: packets.AuthContinueAuthentication, Properties: &paho.AuthProperties{}}
}

// Authenticated implements paho.Auther.
func (noAuth) Authenticated() {}
