package livekit

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

// unacknowledged is how much time of sending may pass without a report of the room that tells of something new. LiveKit's server sends
// one each second, with viewers or without. A server or a network that is away for a few seconds goes on where it was when it is back,
// which is quicker than joining anew; after a quarter of a minute the SDK would notice by itself.
const unacknowledged = 10 * time.Second

// acknowledgement judges by the room's receiver reports (RFC 3550, 6.4.2) whether it still gets what we send. Being connected proves
// nothing.
//
// A room that never sent a report is not judged: not every server may send them. One that only now and then gets a picture gets more time,
// because only time in which we send counts.
type acknowledgement struct {
	written time.Time     // when the last packet was sent; of the writing goroutine
	newest  atomic.Uint64 // source and extended highest sequence number of the newest report
	known   atomic.Bool   // there was a report
	waiting atomic.Int64  // nanoseconds of sending since a report told of something new
}

// sent notes that a packet was sent, and reports whether the room has been silent about our packets for too long.
func (a *acknowledgement) sent(now time.Time) (silent bool) {
	gap := now.Sub(a.written)
	a.written = now
	waiting := a.waiting.Add(int64(min(gap, time.Second)))
	return a.known.Load() && waiting > int64(unacknowledged)
}

// received notes what the room reports.
func (a *acknowledgement) received(r rtcp.ReceptionReport) {
	newest := uint64(r.SSRC)<<32 | uint64(r.LastSequenceNumber)
	if a.newest.Swap(newest) == newest && a.known.Load() {
		return
	}
	a.known.Store(true)
	a.waiting.Store(0)
}
