package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"unicode"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/overshoot-ai/overshoot-agent/internal/clienttls"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// Reason codes of MQTT 5.0 §2.4 that mean something special to us.
const (
	unspecified     = 0x80
	malformed       = 0x81
	wrongVersion    = 0x84
	badClientID     = 0x85
	wrongPassword   = 0x86
	notAuthorized   = 0x87
	unavailable     = 0x88
	busy            = 0x89
	banned          = 0x8a
	shuttingDown    = 0x8b
	keepAliveOver   = 0x8d
	takenOver       = 0x8e
	invalidTopic    = 0x90
	unknownPacket   = 0x92
	tooLargePacket  = 0x95
	rateTooHigh     = 0x96
	quotaExceeded   = 0x97
	invalidPayload  = 0x99
	noRetain        = 0x9a
	noQoS           = 0x9b
	otherServer     = 0x9c
	serverMoved     = 0x9d
	connectionsRate = 0x9f
)

// words say what a reason code means, and what to do about it.
var words = map[byte]string{
	unspecified: "the broker gives no reason", malformed: "the broker could not read what was sent",
	wrongVersion:  "the broker does not speak MQTT 5; it must be one that does",
	badClientID:   "the broker does not want this client_id; write another one",
	wrongPassword: "wrong username or password", notAuthorized: "not authorized; look at username, password and the broker's access rules",
	unavailable: "the broker is not available now", busy: "the broker is busy", banned: "the broker has banned this client",
	shuttingDown: "the broker is shutting down", keepAliveOver: "the broker heard nothing from us for too long",
	takenOver:    "another client of the same client_id took our place; write a client_id that nobody else has",
	invalidTopic: "the broker does not want this topic", tooLargePacket: "larger than the broker allows",
	rateTooHigh: "more messages than the broker allows", quotaExceeded: "a quota of the broker is exceeded",
	invalidPayload: "the broker does not want this content", noRetain: "the broker retains nothing", noQoS: "the broker does not support this qos",
	otherServer: "the broker wants us to use another server for now", serverMoved: "the broker has moved to another server",
	connectionsRate: "the broker wants fewer connections in so short a time",
}

// explain says a reason code in words, with what the broker itself has to say: why, and which other server to use. That may hold anything.
func explain(code byte, said ...string) string {
	text := words[code]
	if text == "" {
		text = "the broker refused"
	}
	text += fmt.Sprintf(" (reason 0x%02x)", code)
	for _, more := range said {
		if more = short(more); more != "" {
			text += ": " + more
		}
	}
	return text
}

// short makes a stranger's text one short line of printable characters.
func short(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxSaid {
		return string(runes[:maxSaid-1]) + "…"
	}
	return text
}

// maxSaid is how much of a stranger's text goes into an error, in characters.
const maxSaid = 200

// verdict says what the broker's last word about a message means; nil is success.
func verdict(p packets.ControlPacket) error {
	var code byte
	var properties *packets.Properties
	switch answer := p.Content.(type) {
	case *packets.Puback:
		code, properties = answer.ReasonCode, answer.Properties
	case *packets.Pubrec: // the broker stops here when it refuses
		code, properties = answer.ReasonCode, answer.Properties
	case *packets.Pubcomp:
		code, properties = answer.ReasonCode, answer.Properties
	default:
		return errLost
	}
	if code < unspecified {
		return nil
	}
	said := ""
	if properties != nil {
		said = properties.ReasonString
	}
	e := &sink.Error{Kind: sink.Again, Err: errors.New("the broker refused a result: " + explain(code, said))}
	switch {
	case isPoison(code):
		e.Kind, e.Final = sink.Refused, true
	case code == notAuthorized: // rules can change
		e.Kind = sink.Refused
	}
	return e
}

// isPoison reports whether a reason code is about the very message.
func isPoison(code byte) bool {
	return code == invalidTopic || code == invalidPayload || code == tooLargePacket
}

// isRefusal reports whether the broker has spoken, and said no.
func isRefusal(err error) bool {
	_, spoken := errors.AsType[*sink.Error](err)
	return spoken
}

func tooLarge(size int64, allowed uint32) error {
	return &sink.Error{Kind: sink.Refused, Final: true, Err: fmt.Errorf("it makes a packet of %d bytes, and the broker takes no more than %d", size, allowed)}
}

// An awayError says that the broker does not want us, for now or on this connection.
type awayError struct {
	code byte
	text string
}

func (e awayError) Error() string { return e.text }

// lasts reports whether it is of no use to come back at once: until somebody does something, the broker says the same, or the one who
// took our place is thrown out by us, and we by them.
func (e awayError) lasts() bool {
	return e.code != shuttingDown && e.code != keepAliveOver && e.code != unspecified && !isPoison(e.code)
}

// refusal says why a broker did not let us in.
func refusal(ack *paho.Connack) error {
	said, other := "", ""
	if ack.Properties != nil {
		said, other = ack.Properties.ReasonString, ack.Properties.ServerReference
	}
	e := awayError{ack.ReasonCode, explain(ack.ReasonCode, said, other)}
	if e.code == shuttingDown {
		e.code = unavailable // as an answer to a login it is not
	}
	return e
}

// sentAway says why a broker ended the connection.
func sentAway(d *packets.Disconnect) error {
	said, other := "", ""
	if d.Properties != nil {
		said, other = d.Properties.ReasonString, d.Properties.ServerReference
	}
	return awayError{d.ReasonCode, "the broker closed the connection: " + explain(d.ReasonCode, said, other)}
}

// errLost stands for what was sent and not acknowledged when a connection ended. It may have arrived.
var errLost = errors.New("the connection ended before the broker acknowledged the result")

// lossError is a failure of the connection, in words.
type lossError struct {
	err error
	in  bool // the broker had let us in before
}

func (e lossError) Unwrap() error { return e.err }

func (e lossError) Error() string {
	if hint := clienttls.Hint(e.err); hint != "" {
		return hint
	}
	var network net.Error
	ended := errors.Is(e.err, io.EOF) || errors.Is(e.err, io.ErrUnexpectedEOF) || errors.Is(e.err, net.ErrClosed) ||
		errors.Is(e.err, syscall.ECONNRESET) || errors.Is(e.err, syscall.EPIPE)
	switch {
	case errors.Is(e.err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens there; look at host and port, and whether the broker runs"
	case ended && e.in:
		return "the connection broke"
	case ended:
		return "the broker closed the connection without a word; it may want TLS (mqtts), a certificate, or not speak MQTT 5"
	case errors.Is(e.err, context.DeadlineExceeded), errors.Is(e.err, syscall.ETIMEDOUT), errors.As(e.err, &network) && network.Timeout():
		return "no answer from the broker in time"
	}
	return short(e.err.Error())
}
