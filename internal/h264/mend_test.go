package h264

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// mend returns what payloads become, and how many times the marker would have been set.
func mend(m *Mender, payloads ...[]byte) (parts [][]byte, lasts int) {
	for _, p := range payloads {
		m.Mend(bytes.Clone(p), func(part []byte, last bool) {
			parts = append(parts, bytes.Clone(part))
			lasts += one(last)
		})
	}
	return parts, lasts
}

func TestMendEachFault(t *testing.T) {
	var (
		sps   = []byte{0x67, 0x42, 0xc0, 0x1f}
		pps   = []byte{0x68, 0xce, 0x3c, 0x80}
		idr   = []byte{0x65, 0x88, 0x84, 0x21}
		sei   = []byte{0x06, 0x05, 0x01, 0x7f, 0x80}
		other = []byte{0x70, 0x01}
	)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	long, short, zeros := []byte{0, 0, 0, 1}, []byte{0, 0, 1}, []byte{0, 0, 0}
	for _, tc := range []struct {
		name     string
		payloads [][]byte
		want     [][]byte
		counts   Mended
	}{
		{"nothing", [][]byte{nil}, nil, Mended{Empty: 1}},
		{"sound ones", [][]byte{sps, pps, sei, idr, {0x09, 0xf0}, other}, [][]byte{sps, pps, sei, idr, {0x09, 0xf0}, other}, Mended{}},
		{"a start code before a unit", [][]byte{join(long, idr)}, [][]byte{idr}, Mended{StartCodes: 1}},
		{
			"a byte stream",
			[][]byte{join(long, sps, long, pps, short, sei, zeros, short, idr, zeros)},
			[][]byte{sps, pps, sei, idr},
			Mended{StartCodes: 1},
		},
		{"start codes between units", [][]byte{join(sps, long, pps, long, idr)}, [][]byte{sps, pps, idr}, Mended{StartCodes: 1}},
		{"start codes and nothing", [][]byte{join(long, short, long)}, nil, Mended{StartCodes: 1}},
		{"a start code at the end", [][]byte{join(idr, long)}, [][]byte{idr}, Mended{StartCodes: 1}},
		{"empty parameter sets", [][]byte{{0x67}, {0x68}, idr}, [][]byte{idr}, Mended{Empty: 2}},
		{"zeros for parameter sets", [][]byte{{0x67, 0, 0}, idr}, [][]byte{idr}, Mended{Padded: 1, Empty: 1}},
		{"end of sequence and stream", [][]byte{{0x0a}, {0x0b}}, [][]byte{{0x0a}, {0x0b}}, Mended{}},
		{"padding", [][]byte{join(idr, zeros)}, [][]byte{idr}, Mended{Padded: 1}},
		{"one fragment for all", [][]byte{{0x7c, 0xc5, 0x88, 0x84, 0x21}}, [][]byte{idr}, Mended{Whole: 1}},
		{"one fragment for nothing", [][]byte{{0x7c, 0xc5}}, nil, Mended{Whole: 1, Empty: 1}},
		{
			"fragments",
			[][]byte{{0x7c, 0x85, 0x88, 0}, {0x7c, 0x05}, {0x7c, 0x45, 0x84, 0x21, 0, 0}},
			[][]byte{{0x7c, 0x85, 0x88, 0}, {0x7c, 0x05}, {0x7c, 0x45, 0x84, 0x21}},
			Mended{Padded: 1},
		},
		{"a last fragment of zeros", [][]byte{{0x7c, 0x85, 0x88}, {0x7c, 0x45, 0, 0}}, [][]byte{{0x7c, 0x85, 0x88}, {0x7c, 0x45, 0, 0}}, Mended{}},
		{
			"fragments whose beginning was lost",
			[][]byte{{0x7c, 0x05, 1}, {0x7c, 0x45, 2}, {0x7c, 0x85, 3}, idr, {0x7c, 0x45, 4}},
			[][]byte{{0x7c, 0x85, 3}, idr},
			Mended{Orphans: 3},
		},
		{
			"fragments after the last",
			[][]byte{{0x7c, 0x85, 3}, {0x7c, 0x45, 4}, {0x7c, 0x05, 5}},
			[][]byte{{0x7c, 0x85, 3}, {0x7c, 0x45, 4}},
			Mended{Orphans: 1},
		},
		{
			"fragments after one for all",
			[][]byte{{0x7c, 0x85, 3}, {0x7c, 0xc5, 0x88, 0x84, 0x21}, {0x7c, 0x45, 5}},
			[][]byte{{0x7c, 0x85, 3}, idr},
			Mended{Whole: 1, Orphans: 1},
		},
		{
			"fragments after a broken one",
			[][]byte{{0x7c, 0x85, 3}, {0x7c}, {0x7c, 0x45, 5}},
			[][]byte{{0x7c, 0x85, 3}},
			Mended{Invalid: 1, Orphans: 1},
		},
		{"a STAP-A", [][]byte{Aggregate(nil, 100, sps, pps, other)}, [][]byte{Aggregate(nil, 100, sps, pps, other)}, Mended{}},
		{
			"a STAP-A with empty units",
			[][]byte{join(Aggregate(nil, 100, sps), zeros[:2], []byte{0, 4}, pps, zeros)},
			[][]byte{sps, pps},
			Mended{Bundles: 1, Empty: 2},
		},
		{"a STAP-A with empty parameter sets", [][]byte{Aggregate(nil, 100, []byte{0x67}, pps)}, [][]byte{pps}, Mended{Bundles: 1, Empty: 1}},
		{
			"a STAP-A with start codes",
			[][]byte{Aggregate(nil, 100, join(long, sps), join(long, pps))},
			[][]byte{sps, pps},
			Mended{Bundles: 1, StartCodes: 2},
		},
		{
			"a STAP-A with fragments in it",
			[][]byte{Aggregate(nil, 100, sps, []byte{0x7c, 0x85, 1})},
			[][]byte{sps},
			Mended{Bundles: 1, Invalid: 1},
		},
		{"a STAP-A cut short", [][]byte{join(Aggregate(nil, 100, sps), []byte{0, 9}, pps)}, [][]byte{sps}, Mended{Bundles: 1, Invalid: 1}},
		{"a STAP-A cut short by a byte", [][]byte{{0x78, 0, 3, 0x67, 0x42}}, nil, Mended{Bundles: 1, Invalid: 1}},
		{
			"a STAP-A with start codes between units",
			[][]byte{Aggregate(nil, 100, join(sps, long, pps))},
			[][]byte{sps, pps},
			Mended{Bundles: 1, StartCodes: 1},
		},
		{"a STAP-A of nothing", [][]byte{{0x78}}, nil, Mended{Bundles: 1}},
		{"packetization mode 2", [][]byte{{0x79, 0, 0}, {0x7a, 0, 0}, {0x7b, 0, 0}, {0x7d, 0x85, 0, 0, 1}}, nil, Mended{Interleaved: 4}},
		{"no types at all", [][]byte{{0x60, 1}, {0x7e, 1}, {0x7f, 1}, {0, 0, 2, 1}, {0x7c}, {0x7c, 0x80, 1}, {0x7c, 0x9c, 1}}, nil, Mended{Invalid: 7}},
		{
			"an SPS that is all in fragments",
			[][]byte{
				join([]byte{0x7c, 0x87}, sps[1:], long, pps, long, idr, []byte{1, 0, 0}), {0x7c, 0x07, 2, 3, 0}, {0x7c, 0x47, 4, 0},
			},
			[][]byte{sps, pps, {0x7c, 0x85, 0x88, 0x84, 0x21}, {0x7c, 0x05, 1, 0, 0, 2}, {0x7c, 0x45, 3, 0, 4}},
			Mended{StartCodes: 1},
		},
		{
			"a delimiter that is all in fragments",
			[][]byte{
				join([]byte{0x1c, 0x89, 0xf0}, long, idr[:2]), {0x1c, 0x09, 1, 2, 3}, {0x1c, 0x09, 0, 0, 1, 0x41}, {0x1c, 0x49, 5},
			},
			[][]byte{{0x09, 0xf0}, {0x7c, 0x85, 0x88, 1, 2}, {0x7c, 0x45, 3}, {0x41, 5}},
			Mended{StartCodes: 2},
		},
		{
			"another while it is under way",
			[][]byte{
				join([]byte{0x7c, 0x87}, sps[1:], long, idr), join([]byte{0x7c, 0x87}, sps[1:], long, idr), {0x7c, 0x47, 9},
			},
			[][]byte{sps, {0x7c, 0x85, 0x88, 0x84}, sps, {0x7c, 0x85, 0x88, 0x84}, {0x7c, 0x45, 0x21, 9}},
			Mended{StartCodes: 2},
		},
		{
			"a unit of no type in it",
			[][]byte{
				join([]byte{0x7c, 0x87}, sps[1:], long, []byte{0x7c, 1, 2, 3}), {0x7c, 0x07, 4, 0, 0, 1, 0x68, 0xce}, {0x7c, 0x47, 0x80},
			},
			[][]byte{sps, {0x68, 0xce, 0x80}},
			Mended{StartCodes: 2, Invalid: 2},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var m Mender
			got, lasts := mend(&m, tc.payloads...)
			sameUnits(t, got, tc.want)
			if m.Counts() != tc.counts {
				t.Errorf("counted %+v, want %+v", m.Counts(), tc.counts)
			}
			if len(tc.payloads) == 1 && lasts != min(1, len(tc.want)) && m.Counts().Invalid == 0 {
				t.Errorf("%d last parts", lasts)
			}
		})
	}
}

func TestMendLeavesSoundPacketsAlone(t *testing.T) {
	for _, name := range []string{"bframes.h264", "slices.h264"} {
		var m Mender
		for _, picture := range pictures(clip(t, name)) {
			for _, p := range packets(t, 120, picture) {
				parts := 0
				m.Mend(p.Payload, func(part []byte, last bool) {
					parts++
					if &part[0] != &p.Payload[0] || len(part) != len(p.Payload) || !last {
						t.Errorf("%s: a packet of %d bytes was changed", name, len(p.Payload))
					}
				})
				if parts != 1 {
					t.Errorf("%s: %d parts of one packet", name, parts)
				}
			}
		}
		if m.Counts() != (Mended{}) {
			t.Errorf("%s: counted %+v", name, m.Counts())
		}
	}
}

// wrap draws a way in which cameras pack units wrongly.
func wrap(t *rapid.T, units [][]byte) (payloads [][]byte) {
	code := rapid.SampledFrom([][]byte{{0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}})
	var stream []byte
	for _, u := range units {
		stream = append(append(stream, code.Draw(t, "start code")...), u...)
	}
	bare := stream[bytes.IndexByte(stream, 1)+1:]
	switch rapid.SampledFrom([]string{"stream", "stream without the first code", "fragmented stream", "aggregate", "single fragments"}).Draw(t, "wrapping") {
	case "stream":
		return [][]byte{stream}
	case "stream without the first code":
		return [][]byte{bare}
	case "fragmented stream":
		header, body := bare[0], bare[1:]
		for start := 0; start < len(body) || start == 0; {
			end := min(len(body), start+rapid.IntRange(1, 30).Draw(t, "fragment"))
			if end == len(body) && start == 0 {
				end = len(body) - 1 // one fragment for all is another fault
			}
			bits := kindOf(header)
			if start == 0 {
				bits |= startBit
			}
			if end == len(body) {
				bits |= endBit
			}
			payloads = append(payloads, append([]byte{header&0x60 | typeFUA, bits}, body[start:end]...))
			start = end
		}
		return payloads
	case "aggregate":
		all := []byte{typeSTAPA}
		for _, u := range units {
			for range rapid.IntRange(0, 2).Draw(t, "empty units") {
				all = append(all, 0, 0)
			}
			u := append(slices.Clone(u), make([]byte, rapid.IntRange(0, 3).Draw(t, "padding"))...)
			all = append(append(all, 0, byte(len(u))), u...)
		}
		return [][]byte{all}
	}
	for _, u := range units {
		payloads = append(payloads, append([]byte{u[0]&0x60 | typeFUA, 0xc0 | kindOf(u[0])}, u[1:]...))
	}
	return payloads
}

func TestMendKeepsEveryUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// An SPS comes first: only then is a row of fragments searched for start codes that its first one does not show.
		units := append([][]byte{someUnit(0x67).Draw(t, "first")}, rapid.SliceOfN(someUnit(0x65, 0x41, 0x68, 0x06, 0x09, 0x6f), 0, 5).Draw(t, "more")...)
		payloads := wrap(t, units)
		var m Mender
		parts, _ := mend(&m, payloads...)
		for _, p := range parts {
			if Look(p).Has(Invalid) || len(p) < 3 && kindOf(p[0]) == typeFUA {
				t.Fatalf("%x is no payload", p)
			}
		}
		got := reassemble(t, parts)
		for i := range got {
			got[i] = trimZeros(got[i]) // padding within a sound aggregate stays
		}
		sameUnits(t, got, units)
	})
}

func TestMendIsNotPatientForEver(t *testing.T) {
	var m Mender
	mend(&m, []byte{0x7c, 0x87, 0x42})
	for range 100 {
		mend(&m, append([]byte{0x7c, 0x07}, make([]byte, 1000)...))
		if len(m.stream.held) > patience {
			t.Fatalf("%d bytes held back", len(m.stream.held))
		}
	}
}

func FuzzMend(f *testing.F) {
	f.Add([]byte{9, 0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 5, 0x7c, 0x87, 1, 0, 0, 5, 0x7c, 0x47, 1, 0x65, 9})
	f.Add([]byte{8, 0x78, 0, 0, 0, 2, 0x68, 0xce, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		var m Mender
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			payload := script[1 : 1+n]
			script = script[1+n:]
			finished := false
			m.Mend(payload, func(part []byte, last bool) {
				switch {
				case finished:
					t.Fatal("a part after the last one")
				case Look(part).Has(Invalid):
					t.Fatalf("%x is no payload", part)
				case len(part) > n+2+len(m.stream.held):
					t.Fatalf("%d bytes of %d", len(part), n)
				}
				finished = last
			})
			if m.open && m.stream.running && len(m.stream.held) > patience {
				t.Fatalf("%d bytes held back", len(m.stream.held))
			}
		}
	})
}

func BenchmarkMend(b *testing.B) {
	noise := make([]byte, 1100)
	for i := range noise {
		noise[i] = byte(i*i>>3) | byte(i%7) // few zeros, as in slices
	}
	unit := append(sliceUnit(0x41, 0, 5), noise...)
	unit[len(unit)-1] = 0x80
	for name, payload := range map[string][]byte{
		"fragments":   append([]byte{0x7c, 0x05}, noise...),
		"slices":      unit,
		"byte stream": append([]byte{0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1}, unit...),
		"STAP-A":      Aggregate(nil, 1200, []byte{0x67, 0x42}, []byte{0x68, 0xce}, unit[:1000]),
	} {
		b.Run(name, func(b *testing.B) {
			var m Mender
			var passed int
			emit := func(part []byte, _ bool) { passed += len(part) }
			m.Mend([]byte{0x7c, 0x85, 1}, emit)
			b.ReportAllocs()
			for b.Loop() {
				m.Mend(payload, emit)
			}
		})
	}
	b.Run("fragmented stream", func(b *testing.B) {
		var m Mender
		var passed int
		emit := func(part []byte, _ bool) { passed += len(part) }
		m.Mend([]byte{0x7c, 0x87, 0x42, 0, 0, 1, 0x65, 0x88}, emit)
		payload := append([]byte{0x7c, 0x07}, noise...)
		b.ReportAllocs()
		for b.Loop() {
			m.Mend(payload, emit)
		}
	})
}

func TestMendAfterALoss(t *testing.T) {
	var m Mender
	var got int
	count := func([]byte, bool) { got++ }
	m.Mend([]byte{0x7c, 0x85, 0x88}, count)
	m.Break()
	m.Mend([]byte{0x7c, 0x45, 0x84}, count) // of another unit, for all we know
	m.Mend([]byte{0x7c, 0x85, 0x88}, count)
	if want := (Mended{Orphans: 1}); got != 2 || m.Counts() != want {
		t.Errorf("%d payloads, found %+v, want 2 and %+v", got, m.Counts(), want)
	}
}
