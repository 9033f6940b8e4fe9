package v4l2

import (
	"bytes"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// kept is a receiver that keeps what it is given.
type kept struct {
	formats []camera.Format
	packets []camera.Packet
}

func (k *kept) Begin(f camera.Format) { k.formats = append(k.formats, f) }

func (k *kept) Packet(p camera.Packet) {
	p.Payload = bytes.Clone(p.Payload)
	k.packets = append(k.packets, p)
}

func TestUnitsOfH264(t *testing.T) {
	v := &kept{}
	d := newDelivery(v, camera.H264, layout{})
	large := append([]byte{0x65}, bytes.Repeat([]byte{7}, 3000)...)
	stream := append([]byte{0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x68, 0xce, 0, 0, 1}, large...)
	if !d.deliver(append(stream, 0, 0, 0), 9000, 3) {
		t.Fatal("no picture")
	}
	var sizes, markers, lost int
	for i, p := range v.packets {
		if len(p.Payload) > camera.MaxPayload || p.Timestamp != 9000 {
			t.Errorf("packet %d: %d bytes, timestamp %d", i, len(p.Payload), p.Timestamp)
		}
		sizes += len(p.Payload)
		lost += p.Lost
		if p.Marker {
			markers += i + 1
		}
	}
	// SPS, PPS and three fragments, each with two bytes that say so in the place of the header's one.
	if len(v.packets) != 5 || sizes != 2+2+3000+3*2 || markers != 5 || lost != 3 || v.packets[0].Lost != 3 {
		t.Errorf("%d packets of %d bytes, markers %d, lost %d", len(v.packets), sizes, markers, lost)
	}
	for _, nothing := range [][]byte{nil, {0, 0, 0, 1}, {0, 0, 1, 9, 0x10, 0, 0, 1, 12, 0xff}} {
		if d.deliver(nothing, 0, 0) {
			t.Errorf("% x is a picture", nothing)
		}
	}
}

func TestImages(t *testing.T) {
	endless, whole := []byte{0xff, 0xd8, 1, 2, 3}, []byte{0xff, 0xd8, 1, 2, 0xff, 0xd9}
	v := &kept{}
	d := newDelivery(v, camera.MJPEG, layout{})
	for i, tc := range []struct {
		data, want []byte
	}{
		{endless, endless}, // some cameras leave the end away
		{nil, nil},
		{[]byte{0, 0xff, 0xd8}, nil},
		{append(bytes.Clone(whole), 0, 0, 0), whole},
		{endless, nil}, // this one does not
		{whole, whole},
	} {
		v.packets = nil
		if got := d.deliver(tc.data, 5, i); got != (tc.want != nil) || got != (len(v.packets) == 1) {
			t.Errorf("%d: delivered %v", i, got)
		} else if got && (!bytes.Equal(v.packets[0].Payload, tc.want) || v.packets[0].Lost != i) {
			t.Errorf("%d: got %+v", i, v.packets[0])
		}
	}
}

func TestGapsAreCounted(t *testing.T) {
	for _, tc := range []struct {
		numbers []uint32
		want    []int
	}{
		{[]uint32{5, 6, 7, 10, 11}, []int{0, 0, 0, 2, 0}},
		{[]uint32{0, 0, 0}, []int{0, 0, 0}},
		{[]uint32{1<<32 - 2, 1<<32 - 1, 0, 2}, []int{0, 0, 0, 1}},
		{[]uint32{100, 0, 1}, []int{0, 1, 0}},
		{[]uint32{0, 1 << 30, 1<<30 + 1, 1<<31 - 1}, []int{0, 1, 0, 1}}, // in sum more than an int of 32 bits holds
	} {
		var s sequence
		for i, n := range tc.numbers {
			if got := s.lost(n); got != tc.want[i] {
				t.Errorf("%v: at %d %d are lost, want %d", tc.numbers, n, got, tc.want[i])
			}
		}
	}
}

func TestTimestampsGrow(t *testing.T) {
	var c clock
	last := ticks(c.at(time.Second, 2*time.Second))
	if last != 90_000 {
		t.Errorf("a second is %d", last)
	}
	for _, taken := range []time.Duration{1033 * time.Millisecond, 1033 * time.Millisecond, 0, 900 * time.Millisecond, 30 * 24 * time.Hour} {
		now := ticks(c.at(taken, 2*time.Second))
		if int32(now-last) <= 0 {
			t.Errorf("at %v: %d after %d", taken, now, last)
		}
		last = now
	}
}

// Whatever a driver writes into its buffers: the pictures of ten seconds are ten seconds long, and none comes from the future.
func TestTimestampsThatCannotBeAreNotBelieved(t *testing.T) {
	for name, says := range map[string]func(now time.Duration, n int) time.Duration{
		"always the same":   func(time.Duration, int) time.Duration { return time.Hour },
		"a jump ahead":      func(now time.Duration, n int) time.Duration { return now + time.Duration(n/100)*time.Hour },
		"some far ahead":    func(now time.Duration, n int) time.Duration { return now + time.Duration(n%30/29)*time.Hour },
		"a jump back":       func(now time.Duration, n int) time.Duration { return now - time.Duration(n/100)*time.Hour },
		"none":              func(time.Duration, int) time.Duration { return 0 },
		"before the origin": func(now time.Duration, _ int) time.Duration { return -now },
	} {
		var c clock
		var first, last time.Duration
		for n := range 301 {
			now := 10*time.Hour + time.Duration(n)*time.Second/30
			at := c.at(says(now, n), now)
			if n > 0 && at <= last || at > now {
				t.Fatalf("%s: picture %d is of %v, after %v, at %v", name, n, at, last, now)
			}
			if last = at; n == 1 {
				first = at
			}
		}
		if took := last - first; took < 9900*time.Millisecond || took > 10100*time.Millisecond {
			t.Errorf("%s: they take %v", name, took)
		}
	}
}
