package media

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtp"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func numbered(sequence uint16) arrival {
	return arrival{packet: &rtp.Packet{Header: rtp.Header{SequenceNumber: sequence}}, at: noon}
}

// drain pops all that may be given back and returns the sequence numbers and the number of packets lost.
func drain(r *reorderer, now time.Time) (sequences []uint16, lost int) {
	for {
		a, gap, ok := r.pop(now)
		if !ok {
			return sequences, lost
		}
		sequences, lost = append(sequences, a.packet.SequenceNumber), lost+gap
	}
}

func TestReordererRestoresOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		// Groups of up to 20 packets in any order, some twice, over the end of the number range.
		var r reorderer
		first, next := uint16(65500), uint16(65500)
		r.push(numbered(first))
		next++
		got, _ := drain(&r, noon)
		for range 20 {
			count := 1 + random.IntN(20)
			for _, offset := range random.Perm(count) {
				r.push(numbered(next + uint16(offset)))
				if random.IntN(4) == 0 {
					r.push(numbered(next + uint16(offset)))
				}
				sequences, lost := drain(&r, noon)
				if got = append(got, sequences...); lost != 0 {
					t.Fatalf("%d lost, want none", lost)
				}
			}
			next += uint16(count)
		}
		for i, sequence := range got {
			if sequence != first+uint16(i) {
				t.Fatalf("packet %d has number %d, want %d", i, sequence, first+uint16(i))
			}
		}
		if len(got) != int(next-first) {
			t.Fatalf("%d packets, want %d", len(got), next-first)
		}
	}
}

func TestReordererWaitsForAMissingPacket(t *testing.T) {
	var r reorderer
	for _, sequence := range []uint16{10, 11, 14} {
		r.push(numbered(sequence))
	}
	if got, lost := drain(&r, noon); len(got) != 2 || lost != 0 {
		t.Errorf("at once: %v and %d lost, want 10 and 11", got, lost)
	}
	if got, _ := drain(&r, noon.Add(reorderWait-1)); len(got) != 0 {
		t.Errorf("just before the end of the wait: %v, want nothing", got)
	}
	if got, lost := drain(&r, noon.Add(reorderWait)); len(got) != 1 || got[0] != 14 || lost != 2 {
		t.Errorf("after the wait: %v and %d lost, want 14 and 2", got, lost)
	}
	r.push(numbered(12)) // too late
	if got, lost := drain(&r, noon.Add(2*reorderWait)); len(got) != 0 || lost != 0 {
		t.Errorf("late packet: %v and %d lost, want nothing", got, lost)
	}
}

func TestReordererDoesNotWaitForeverInABurst(t *testing.T) {
	var r reorderer
	r.push(numbered(0))
	var got []uint16
	total := 0
	for sequence := uint16(2); sequence < 400; sequence++ {
		r.push(numbered(sequence))
		sequences, lost := drain(&r, noon)
		got, total = append(got, sequences...), total+lost
	}
	if len(got) != 399 || total != 1 {
		t.Errorf("%d packets and %d lost without time passing, want 399 and 1", len(got), total)
	}
}

func TestReordererFollowsAJump(t *testing.T) {
	for _, jump := range []uint16{5000, 40000} {
		var r reorderer
		r.push(numbered(1))
		drain(&r, noon)
		r.push(numbered(jump))
		r.push(numbered(jump + 1))
		got, lost := drain(&r, noon)
		if len(got) != 2 || got[0] != jump || lost < 1 {
			t.Errorf("after a jump to %d: %v and %d lost, want both packets and some lost", jump, got, lost)
		}
	}
}
