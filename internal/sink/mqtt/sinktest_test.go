package mqtt_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/sinktest"
)

func TestPromisesOfAllSinks(t *testing.T) {
	for _, qos := range []int{1, 2} {
		t.Run(fmt.Sprint("qos ", qos), func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.World { return world(t, qos) })
		})
	}
}

// world is a sink at a real broker, with a gate between them.
func world(t *testing.T, qos int) sinktest.World {
	b := start(t, "")
	g := newGate(t, b.address)
	l := listen(t, b.address)
	said := func(code byte, want sink.Error) sinktest.Answer {
		return sinktest.Answer{Want: want, Give: func() {
			g.set(func() { g.answer = func(p *packets.Publish) *packets.ControlPacket { return refuseWith(p, code) } })
		}}
	}
	return sinktest.World{
		Sink: open(t, fmt.Sprintf("url: mqtt://%s\nusername: door\npassword: canary-password\nqos: %d", g.Addr(), qos)),
		Received: func() (ids []string) {
			l.flush(t)
			for _, p := range l.on(resultTopic) {
				var r result.Result
				if err := r.UnmarshalJSON(p.Payload); err != nil {
					t.Error(err)
				}
				ids = append(ids, r.ID)
			}
			return ids
		},
		Away:       g.shut,
		Back:       g.open,
		BreakAfter: func(n int) { g.set(func() { g.left = n }) },
		Hang: func() <-chan struct{} {
			waits := make(chan struct{})
			g.set(func() { g.hold, g.held = make(chan struct{}), sync.OnceFunc(func() { close(waits) }) })
			return waits
		},
		Answers: map[string]sinktest.Answer{
			"trouble":          said(0x80, sink.Error{Kind: sink.Again}),
			"quota":            said(0x97, sink.Error{Kind: sink.Again}),
			"unknown":          said(0xfe, sink.Error{Kind: sink.Again}),
			"not allowed":      said(0x87, sink.Error{Kind: sink.Refused}),
			"no topic":         said(0x90, sink.Error{Kind: sink.Refused, Final: true}),
			"no such content":  said(0x99, sink.Error{Kind: sink.Refused, Final: true}),
			"too large":        said(0x95, sink.Error{Kind: sink.Refused, Final: true}),
			"thrown out by it": {Want: sink.Error{Kind: sink.Refused}, Give: func() { g.set(func() { g.answer = throwOut }) }},
		},
		Secrets: []string{"canary"},
	}
}

// refuseWith is a broker's refusal of a message, with words that hold a secret and do not fit into a line.
func refuseWith(p *packets.Publish, code byte) *packets.ControlPacket {
	said := &packets.Properties{ReasonString: "no:\ncanary-password \x1b"}
	if p.QoS == 2 {
		return &packets.ControlPacket{
			FixedHeader: packets.FixedHeader{Type: packets.PUBREC}, Content: &packets.Pubrec{PacketID: p.PacketID, ReasonCode: code, Properties: said},
		}
	}
	return &packets.ControlPacket{
		FixedHeader: packets.FixedHeader{Type: packets.PUBACK}, Content: &packets.Puback{PacketID: p.PacketID, ReasonCode: code, Properties: said},
	}
}

// throwOut is what brokers do about a message that is larger than they take, when they have not said before how large that is.
func throwOut(*packets.Publish) *packets.ControlPacket {
	return &packets.ControlPacket{
		FixedHeader: packets.FixedHeader{Type: packets.DISCONNECT}, Content: &packets.Disconnect{ReasonCode: 0x95, Properties: &packets.Properties{}},
	}
}
