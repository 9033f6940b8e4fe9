package h264

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// reassemble is what a receiver does: it puts the NAL units of a row of payloads together again.
func reassemble(t rapid.TB, payloads [][]byte) [][]byte {
	var units [][]byte
	var open []byte
	for _, p := range payloads {
		if p[0]&0x1f != typeFUA {
			if open != nil {
				t.Fatal("a fragment was left open")
			}
			EachUnit(p, func(u []byte) { units = append(units, bytes.Clone(u)) })
			continue
		}
		if p[1]&startBit != 0 {
			open = []byte{p[0]&0x60 | p[1]&0x1f}
		}
		open = append(open, p[2:]...)
		if p[1]&endBit != 0 {
			units, open = append(units, open), nil
		}
	}
	return units
}

func TestCutKeepsEveryByteAndFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(20, 1200).Draw(t, "limit")
		units := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
			unit := rapid.SliceOfN(rapid.Byte(), 1, 4000).Draw(t, "body")
			return append([]byte{rapid.SampledFrom([]byte{0x65, 0x41, 0x67, 0x06}).Draw(t, "header")}, unit...)
		}), 1, 4).Draw(t, "units")

		var payload []byte
		if len(units) == 1 {
			payload = units[0]
		} else {
			payload = Aggregate(nil, 1<<20, units...)
		}
		var parts [][]byte
		lasts := 0
		ok := NewCutter(limit).Cut(payload, func(part []byte, last bool) {
			if len(part) > limit {
				t.Fatalf("a part of %d bytes, limit %d", len(part), limit)
			}
			if last {
				lasts++
			} else if lasts > 0 {
				t.Fatal("a part after the last one")
			}
			parts = append(parts, bytes.Clone(part))
		})
		if !ok || lasts != 1 {
			t.Fatalf("ok %v with %d last parts", ok, lasts)
		}
		got := reassemble(t, parts)
		if len(got) != len(units) {
			t.Fatalf("%d units became %d", len(units), len(got))
		}
		for i := range units {
			if !bytes.Equal(got[i], units[i]) {
				t.Fatalf("unit %d changed", i)
			}
		}
	})
}

func TestCutOfFragmentsKeepsTheirEnds(t *testing.T) {
	whole := append([]byte{0x65}, bytes.Repeat([]byte{1, 2, 3, 4, 5}, 1000)...)
	var large, small [][]byte
	NewCutter(1400).Cut(whole, func(p []byte, _ bool) { large = append(large, bytes.Clone(p)) })
	cutter := NewCutter(1200)
	for _, p := range large {
		cutter.Cut(p, func(q []byte, _ bool) { small = append(small, bytes.Clone(q)) })
	}
	if got := reassemble(t, small); len(got) != 1 || !bytes.Equal(got[0], whole) {
		t.Fatalf("the slice did not survive being cut twice: %d units", len(got))
	}
}

func TestAggregateRefusesWhatDoesNotFit(t *testing.T) {
	if got := Aggregate(nil, 10, make([]byte, 20)); len(got) != 0 {
		t.Errorf("got %d bytes", len(got))
	}
	if got := Aggregate(nil, 100, nil); len(got) != 0 {
		t.Errorf("an empty unit made %d bytes", len(got))
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce})
	f.Add(append([]byte{0x7c, 0x85}, make([]byte, 3000)...))
	long := binary.BigEndian.AppendUint16([]byte{0x78}, 2500)
	f.Add(append(append(long, 0x65), make([]byte, 2499)...))
	f.Fuzz(func(t *testing.T, payload []byte) {
		Look(payload)
		EachUnit(payload, func(unit []byte) {
			if len(unit) == 0 {
				t.Fatal("an empty unit")
			}
		})
		NewCutter(1200).Cut(payload, func(part []byte, _ bool) {
			if len(part) > 1200 {
				t.Fatalf("a part of %d bytes", len(part))
			}
		})
	})
}
