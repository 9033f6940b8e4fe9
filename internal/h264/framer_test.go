package h264

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// arrival is a packet as it arrives.
type arrival struct {
	timestamp   uint32
	marker      bool
	payload     []byte
	first, last bool // of its picture, in truth
}

// habit is how a camera treats what RFC 6184 asks of it.
type habit struct {
	markers string
	clock   string
}

// camera makes the arrivals of pictures, each a row of payloads.
func (h habit) camera(all [][][]byte) (row []arrival) {
	timestamp := uint32(0xffffe000) // wraps soon
	for n, picture := range all {
		sliced := false
		for i, payload := range picture {
			content := Inspect(payload)
			sliced = sliced || content.Has(IDR|Slice)
			a := arrival{timestamp: timestamp, payload: payload, first: i == 0, last: i == len(picture)-1}
			switch h.markers {
			case "right":
				a.marker = a.last
			case "on each packet":
				a.marker = true
			case "on each slice":
				a.marker = content.Has(SliceEnd)
			case "on parameter sets too":
				a.marker = a.last || content.Has(SPS|PPS|SEI)
			case "on some pictures":
				a.marker = a.last && n%3 == 0
			}
			if h.clock == "back and forth" && a.last {
				timestamp -= 9000
			}
			row = append(row, a)
		}
		if h.clock != "stands still" {
			timestamp += 3000
		}
	}
	return row
}

// mark is what a hub does: it holds back a packet that may be the last, and marks what is.
func mark(f *Framer, row []arrival) (begins, ends []int) {
	held := -1
	for i, a := range row {
		_, place := f.Next(a.timestamp, a.marker, a.payload)
		if place.Has(Begins) {
			begins = append(begins, i)
			if held >= 0 {
				ends = append(ends, held)
			}
		}
		held = -1
		switch {
		case place.Has(Ends):
			ends = append(ends, i)
		case place.Has(MayEnd):
			held = i
		}
	}
	if held >= 0 {
		ends = append(ends, held)
	}
	return begins, ends
}

func truth(row []arrival) (begins, ends []int) {
	for i, a := range row {
		if a.first {
			begins = append(begins, i)
		}
		if a.last {
			ends = append(ends, i)
		}
	}
	return begins, ends
}

// firstLie returns the first packet that claims to be the last of a picture that could end there, and is not. Until the packet after it
// nobody can know. It is -1 when it comes in one of the first pictures, where markers count for nothing.
func firstLie(row []arrival) int {
	sliced, picture := false, 0
	for i, a := range row {
		if a.first {
			picture++
		}
		content := Inspect(a.payload)
		slice := content.Has(IDR | Slice)
		sliced = sliced && !a.first || slice
		if a.marker && !a.last && sliced && (content.Has(SliceEnd) || !slice) {
			if picture <= earned {
				return -1
			}
			return i
		}
	}
	return -1
}

// somePicture draws a picture: perhaps a delimiter, parameter sets and SEI, single or in a STAP-A with the slice, then slices, whole or in
// fragments.
func somePicture(t *rapid.T, count int) (payloads [][]byte) {
	header := rapid.SampledFrom([]byte{0x65, 0x41, 0x01}).Draw(t, "kind of picture")
	var before [][]byte
	for _, unit := range [][]byte{{0x09, 0xf0}, {0x67, 0x42, 0xc0, 0x1f}, {0x68, 0xce}, {0x06, 0x05, 0x01, 0x80}} {
		if rapid.Bool().Draw(t, "with it") {
			before = append(before, unit)
		}
	}
	for n := range count {
		unit := sliceUnit(header, uint32(n*100), 5)
		together := append(slices.Clone(before), unit)
		switch {
		case n == 0 && len(before) > 0 && rapid.Bool().Draw(t, "aggregate"):
			payloads = append(payloads, Aggregate(nil, 1000, together...))
			continue
		case n == 0:
			payloads = append(payloads, before...)
		}
		if pieces := rapid.IntRange(1, 4).Draw(t, "pieces"); pieces > 1 {
			body := append(unit[1:], make([]byte, 20)...)
			NewCutter(2+(len(body)+pieces-1)/pieces).Cut(append([]byte{header}, body...), func(p []byte, _ bool) {
				payloads = append(payloads, slices.Clone(p))
			})
		} else {
			payloads = append(payloads, unit)
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "filler") == 0 {
		payloads = append(payloads, []byte{0x0c, 0xff, 0x80})
	}
	return payloads
}

func TestFramerFindsEveryPicture(t *testing.T) {
	for _, markers := range []string{"right", "missing", "on each packet", "on each slice", "on parameter sets too", "on some pictures"} {
		for _, clock := range []string{"steady", "stands still", "back and forth"} {
			t.Run("markers "+markers+", clock "+clock, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					count := rapid.IntRange(1, 4).Draw(t, "slices")
					all := make([][][]byte, rapid.IntRange(3, 8).Draw(t, "pictures"))
					for i := range all {
						all[i] = somePicture(t, count)
					}
					row := habit{markers, clock}.camera(all)
					begins, ends := mark(&Framer{}, row)
					wantBegins, wantEnds := truth(row)
					if !slices.Equal(begins, wantBegins) {
						t.Fatalf("pictures begin at %v, want %v", begins, wantBegins)
					}
					learning := func(i int) bool { return i <= firstLie(row) }
					if ends, want := slices.DeleteFunc(ends, learning), slices.DeleteFunc(wantEnds, learning); !slices.Equal(ends, want) {
						t.Fatalf("pictures end at %v, want %v", ends, want)
					}
				})
			})
		}
	}
}

func TestFramerHoldsNothingBackWhereMarkersAreRight(t *testing.T) {
	for name, size := range map[string]int{"bframes.h264": 200, "slices.h264": 100} {
		f := Framer{trust: earned}
		for n, picture := range pictures(clip(t, name)) {
			row := packets(t, size, picture)
			for i, p := range row {
				_, place := f.Next(uint32(n)*9000, p.Marker, p.Payload)
				if place.Has(Begins) != (i == 0) || place.Has(Ends) != (i == len(row)-1) || place.Has(Resumes) {
					t.Errorf("%s, picture %d, packet %d of %d: %04b", name, n, i, len(row), place)
				}
				if name == "bframes.h264" && place.Has(MayEnd) {
					t.Errorf("%s, picture %d: packet %d would be held back", name, n, i)
				}
			}
		}
	}
}

func TestFramerBelievesInMarkersOnceTheyWereRight(t *testing.T) {
	var f Framer
	for n := range uint32(6) {
		want := Begins | MayEnd
		if n >= earned {
			want = Begins | Ends
		}
		if _, got := f.Next(n, true, sliceUnit(0x41, 0, 5)); got != want {
			t.Errorf("picture %d: got %04b, want %04b", n, got, want)
		}
		if n == 4 {
			f.Restart() // a new session of the same camera
		}
	}
}

func TestFramerTellsOfAnEndThatCameTooEarly(t *testing.T) {
	f := Framer{trust: earned}
	step := func(timestamp uint32, marker bool, payload []byte, want Place) {
		t.Helper()
		if _, got := f.Next(timestamp, marker, payload); got != want {
			t.Errorf("got %04b, want %04b", got, want)
		}
	}
	first, second := sliceUnit(0x41, 0, 5), sliceUnit(0x41, 50, 5)
	step(1, true, first, Begins|Ends)
	step(1, true, second, Resumes|MayEnd) // caught: markers count for nothing now
	step(1, true, second, MayEnd)         // that was told already
	step(2, true, first, Begins|MayEnd)
	step(2, true, second, MayEnd)
	for n := range uint32(suspicion - 1) { // and are right from now on
		step(3+n, false, first, Begins|MayEnd)
		step(3+n, true, second, MayEnd)
	}
	step(1000, false, first, Begins|MayEnd)
	step(1000, true, second, Ends)
}

func TestFramerDoesNotMindMarkersWithinASlice(t *testing.T) {
	f := Framer{trust: earned}
	for n := range uint32(3) {
		for _, tc := range []struct {
			payload []byte
			want    Place
		}{{[]byte{0x7c, 0x81, 0x9a}, Begins}, {[]byte{0x7c, 0x01, 1}, 0}, {[]byte{0x7c, 0x41, 2}, Ends}} {
			if _, got := f.Next(n, true, tc.payload); got != tc.want {
				t.Errorf("picture %d, %x: got %04b, want %04b", n, tc.payload, got, tc.want)
			}
		}
	}
}

func TestFramerWithFields(t *testing.T) {
	field := sliceUnit(0x41, 0, 5)
	row := []arrival{
		{timestamp: 1, payload: field, first: true},
		{timestamp: 1, payload: field, marker: true, last: true},
		{timestamp: 2, payload: field, first: true},
		{timestamp: 2, payload: field, marker: true, last: true},
	}
	begins, ends := mark(&Framer{Interlaced: true}, row)
	wantBegins, wantEnds := truth(row)
	if !slices.Equal(begins, wantBegins) || !slices.Equal(ends, wantEnds) {
		t.Errorf("got %v and %v, want %v and %v", begins, ends, wantBegins, wantEnds)
	}
}

func TestFramerPassesOverInvalidPayloads(t *testing.T) {
	f := Framer{trust: earned}
	f.Next(1, false, sliceUnit(0x41, 0, 5))
	if content, place := f.Next(2, true, []byte{0x79, 0, 0}); content != Invalid || place != 0 {
		t.Errorf("got %b, %b", content, place)
	}
	if _, place := f.Next(1, true, sliceUnit(0x41, 50, 5)); place != Ends {
		t.Errorf("got %04b", place)
	}
}

func FuzzFramer(f *testing.F) {
	f.Add([]byte{2, 0x67, 0x42, 4, 0x65, 0x88, 0x84, 0x21, 3, 0x7c, 0x85, 0x88})
	f.Fuzz(func(t *testing.T, script []byte) {
		var framer Framer
		open, told := false, false
		for len(script) > 1 {
			marker, timestamp := script[0]&0x80 != 0, uint32(script[0]>>5&3)
			n := min(int(script[0]&0x1f), len(script)-1)
			content, place := framer.Next(timestamp, marker, script[1:1+n])
			script = script[1+n:]
			if content.Has(Invalid) {
				if place != 0 {
					t.Fatalf("an invalid payload at %04b", place)
				}
				continue
			}
			switch {
			case !open && !place.Has(Begins):
				t.Fatal("a picture that never began")
			case place.Has(Begins) && place.Has(Resumes), place.Has(Ends) && place.Has(MayEnd):
				t.Fatalf("%04b contradicts itself", place)
			case place.Has(Ends) && !marker:
				t.Fatal("an end without a marker")
			case place.Has(Resumes) && !told:
				t.Fatal("nothing to resume")
			}
			open, told = true, place.Has(Ends)
		}
	})
}

func BenchmarkFramer(b *testing.B) {
	fragment := append([]byte{0x7c, 0x01}, make([]byte, 1100)...)
	single := append(sliceUnit(0x41, 0, 5), fragment...)
	for name, payload := range map[string][]byte{"fragments": fragment, "slices": single} {
		b.Run(name, func(b *testing.B) {
			var f Framer
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				f.Next(uint32(i/16)*3000, i%16 == 15, payload)
			}
		})
	}
}
