package h264

import (
	"testing"

	"pgregory.net/rapid"
)

// bitWriter writes what bitReader reads.
type bitWriter struct {
	data []byte
	left int
}

func (w *bitWriter) bit(b uint32) {
	if w.left == 0 {
		w.data, w.left = append(w.data, 0), 8
	}
	w.left--
	w.data[len(w.data)-1] |= byte(b << w.left)
}

func (w *bitWriter) exponential(v uint32) {
	v++
	length := 0
	for v>>(length+1) != 0 {
		length++
		w.bit(0)
	}
	for ; length >= 0; length-- {
		w.bit(v >> length & 1)
	}
}

// sliceUnit makes a slice with the beginning of a header and some bytes more.
func sliceUnit(header byte, first, kind uint32) []byte {
	w := &bitWriter{}
	w.exponential(first)
	w.exponential(kind)
	w.exponential(0) // pic_parameter_set_id
	return append(append([]byte{header}, escape(w.data)...), 0xaa, 0x80)
}

func TestInspectReadsSliceHeaders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.SampledFrom([]byte{0x65, 0x41, 0x01}).Draw(t, "header")
		first := rapid.OneOf(rapid.Uint32Range(0, maxMacroblocks-1), rapid.SampledFrom([]uint32{0, 32767, 65535, 131071})).Draw(t, "first_mb_in_slice")
		kind := rapid.Uint32Range(0, 9).Draw(t, "slice_type")
		unit := sliceUnit(header, first, kind)

		want := Look(unit) | SliceEnd
		if first == 0 {
			want |= FirstSlice
		}
		if kind == 1 || kind == 6 {
			want |= BSlice
		}
		beginning := append([]byte{header&0x60 | typeFUA, startBit | kindOf(header)}, unit[1:]...)
		ending := []byte{header&0x60 | typeFUA, endBit | kindOf(header), 0x88, 0x80}
		for name, tc := range map[string]struct {
			payload []byte
			want    Content
		}{
			"alone":            {unit, want},
			"aggregate":        {Aggregate(nil, 1000, unit, []byte{0x06, 1}), want | SEI},
			"first fragment":   {beginning, want &^ SliceEnd},
			"last fragment":    {ending, Look(unit) | SliceEnd},
			"header cut short": {unit[:1], Look(unit) | SliceEnd},
			"no such type":     {sliceUnit(header, first, 10), Look(unit) | SliceEnd},
			"no such number":   {sliceUnit(header, 1<<18, kind), Look(unit) | SliceEnd},
		} {
			if got := Inspect(tc.payload); got != tc.want {
				t.Fatalf("%s: got %b, want %b of %x", name, got, tc.want, tc.payload)
			}
		}
	})
}

// Reading the first two fields may leave emulation prevention out of account. Only numbers with long rows of zeros could prove that wrong:
// those just below a power of two, and those that differ from them in few bits.
func TestNoEmulationPreventionAtTheBeginningOfSlices(t *testing.T) {
	for power := range maxSuffix + 1 {
		for other := range power + 1 {
			for kind := range uint32(10) {
				w := &bitWriter{}
				w.exponential(min(uint32(1)<<power+uint32(1)<<other>>1, maxMacroblocks) - 1)
				w.exponential(kind)
				w.data = append(w.data, 0) // whatever follows
				if len(escape(w.data)) != len(w.data) {
					t.Fatalf("first_mb_in_slice of %d and %d bits, slice_type %d: %x", power, other, kind, w.data)
				}
			}
		}
	}
}

func TestInspectOfRealClips(t *testing.T) {
	for name, want := range map[string]struct{ slices, first, b int }{
		"bframes.h264": {10, 10, 6},
		"slices.h264":  {30, 10, 0},
	} {
		var slices, first, b int
		for _, u := range clip(t, name) {
			content := Inspect(u)
			slices += one(content.Has(IDR | Slice))
			first += one(content.Has(FirstSlice))
			b += one(content.Has(BSlice))
		}
		if slices != want.slices || first != want.first || b != want.b {
			t.Errorf("%s: %d slices, %d first, %d B; want %+v", name, slices, first, b, want)
		}
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func FuzzInspect(f *testing.F) {
	f.Add(sliceUnit(0x65, 0, 7))
	f.Add(sliceUnit(0x41, 65535, 6))
	f.Add([]byte{0x7c, 0x85, 0, 0, 3, 0, 0, 3, 0, 0, 3})
	f.Fuzz(func(t *testing.T, payload []byte) {
		types, all := Look(payload), Inspect(payload)
		if all&^(FirstSlice|BSlice|SliceEnd) != types {
			t.Fatalf("Look says %b, Inspect %b", types, all)
		}
		if all.Has(FirstSlice|BSlice|SliceEnd) && !all.Has(IDR|Slice) {
			t.Fatalf("%b says something of a slice that is not there", all)
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	for name, payload := range map[string][]byte{
		"fragment": append([]byte{0x7c, 0x05}, make([]byte, 1100)...),
		"slice":    append(sliceUnit(0x41, 0, 5), make([]byte, 1100)...),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Inspect(payload)
			}
		})
	}
}
