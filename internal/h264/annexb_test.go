package h264

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestEachAnnexB(t *testing.T) {
	for name, tc := range map[string]struct{ raw, want [][]byte }{
		"nothing":             {[][]byte{nil}, nil},
		"no start code":       {[][]byte{{0x67, 1}}, [][]byte{{0x67, 1}}},
		"no start code, zero": {[][]byte{{0x67, 1}, {0}}, [][]byte{{0x67, 1}}},
		"two units":           {[][]byte{{0, 0, 0, 1, 0x67, 1}, {0, 0, 0, 0, 1, 0x68, 2, 0, 0}}, [][]byte{{0x67, 1}, {0x68, 2}}},
		"empty units":         {[][]byte{{0, 0, 1, 0, 0, 1}, {0x67, 1, 0, 0, 1}}, [][]byte{{0x67, 1}}},
		"only zeros":          {[][]byte{{0, 0, 0, 0}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got [][]byte
			EachAnnexB(bytes.Join(tc.raw, nil), func(u []byte) { got = append(got, u) })
			sameUnits(t, got, tc.want)
		})
	}
}

func TestEachAnnexBUndoesAByteStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOfN(someUnit(0x67, 0x68, 0x65, 0x41), 1, 5).Draw(t, "units")
		var raw []byte
		for _, u := range units {
			raw = append(raw, make([]byte, rapid.IntRange(2, 5).Draw(t, "zeros"))...)
			raw = append(append(raw, 1), u...)
		}
		var got [][]byte
		EachAnnexB(raw, func(u []byte) { got = append(got, u) })
		sameUnits(t, got, units)
	})
}
