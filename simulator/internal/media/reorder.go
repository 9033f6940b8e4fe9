package media

import (
	"time"

	"github.com/pion/rtp"
)

const (
	reorderSlots = 512                    // a power of two; more than two key frames of a 1080p camera
	reorderWait  = 400 * time.Millisecond // for a packet that is missing; a retransmission takes some round trips
)

// arrival is a packet and when it came.
type arrival struct {
	packet *rtp.Packet
	at     time.Time
}

// A reorderer gives packets back in the order of their sequence numbers. One that is missing is waited for until
// reorderWait has passed or half of the slots are in use. The zero value is ready for use.
type reorderer struct {
	slots    [reorderSlots]arrival
	waiting  int    // packets in slots
	next     uint16 // the sequence number to give back next
	started  bool
	lost     int       // packets given up and not yet told of
	gapSince time.Time // zero while nothing is missing
}

// push takes a packet. A duplicate, or one that was given up, is dropped.
func (r *reorderer) push(a arrival) {
	sequence := a.packet.SequenceNumber
	ahead := int16(sequence - r.next)
	switch {
	case !r.started:
		r.started, r.next = true, sequence
	case ahead >= reorderSlots || ahead < -reorderSlots: // too far to be a matter of order: the sender jumped
		*r = reorderer{started: true, next: sequence, lost: max(1, int(ahead))}
	case ahead < 0:
		return
	}
	if slot := &r.slots[sequence%reorderSlots]; slot.packet == nil {
		*slot = a
		r.waiting++
	}
}

// pop returns the next packet if it may be given back at the time now, and how many are lost between it and the one before.
func (r *reorderer) pop(now time.Time) (a arrival, lost int, ok bool) {
	if r.waiting == 0 {
		return arrival{}, 0, false
	}
	ahead := r.firstAhead()
	if ahead > 0 && !r.givesUp(now) {
		return arrival{}, 0, false
	}
	r.next += uint16(ahead)
	slot := &r.slots[r.next%reorderSlots]
	a, lost = *slot, r.lost+ahead
	*slot = arrival{}
	r.waiting--
	r.next++
	r.lost, r.gapSince = 0, time.Time{}
	return a, lost, true
}

// givesUp says whether the packets that are missing now have been waited for long enough.
func (r *reorderer) givesUp(now time.Time) bool {
	if r.gapSince.IsZero() {
		r.gapSince = now
	}
	return now.Sub(r.gapSince) >= reorderWait || r.waiting >= reorderSlots/2
}

// firstAhead returns how far from next the first waiting packet is; one must be waiting.
func (r *reorderer) firstAhead() int {
	ahead := 0
	for r.slots[(r.next+uint16(ahead))%reorderSlots].packet == nil {
		ahead++
	}
	return ahead
}
