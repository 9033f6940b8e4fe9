package h264

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestSniffRealClips(t *testing.T) {
	for _, size := range []int{100, 300, 1200} {
		for name, want := range map[string]Codec{"bframes.h264": H264, "slices.h264": H264, "main.h265": H265} {
			units := clip(t, name)
			all := packets(t, size, units)
			if want == H265 {
				all = packets265(t, size, units)
			}
			for start := range all { // one may join anywhere
				var s Sniffer
				for n, p := range all[start:] {
					s.Add(p.Payload)
					codec, certain := s.Codec()
					if codec != want && codec != Unknown || certain && codec != want {
						t.Fatalf("%s in packets of %d, from %d: taken for %s after %d", name, size, start, codec, n+1)
					}
					if !certain && n >= 7 {
						t.Fatalf("%s in packets of %d, from %d: not certain after %d", name, size, start, n+1)
					}
				}
			}
		}
	}
}

func TestSniffParameterSetsAreEnough(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		want    Codec
	}{
		"SPS of H.264":         {unhex(t, spsMain), H264},
		"in a STAP-A":          {Aggregate(nil, 100, unhex(t, spsMain), []byte{0x68, 0xeb, 0xe0}), H264},
		"with start codes":     {bytes.Join([][]byte{{0, 0, 0, 1}, unhex(t, spsMain), {0, 0, 1, 0x68, 0xeb}}, nil), H264},
		"VPS of H.265":         {clip(t, "main.h265")[0], H265},
		"VPS and more, packed": {packets265(t, 1200, clip(t, "main.h265")[:3])[0].Payload, H265},
	} {
		var s Sniffer
		s.Add(tc.payload)
		if codec, certain := s.Codec(); codec != tc.want || !certain {
			t.Errorf("%s: got %s, certain %v", name, codec, certain)
		}
	}
}

func TestSniffSinglePayloads(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		want    Codec
	}{
		"slice":                     {[]byte{0x61, 0x9a, 0x24}, H264},
		"fragment":                  {[]byte{0x5c, 0x41, 0x24}, H264},
		"delimiter":                 {[]byte{0x09, 0xf0}, H264},
		"PPS":                       {[]byte{0x68, 0xeb, 0xe0}, H264},
		"IDR slice of H.265":        {[]byte{0x28, 0x01, 0xaf, 0x10}, H265},
		"slice of H.265":            {[]byte{0x02, 0x01, 0xd0, 0x10}, H265},
		"slice of a temporal layer": {[]byte{0x00, 0x03, 0xd0, 0x10}, H265},
		"fragment of H.265":         {[]byte{0x62, 0x01, 0x93, 0x10}, H265},
		"PPS of H.265":              {[]byte{0x44, 0x01, 0xc1, 0x73}, H265},
		"VPS without its magic":     {[]byte{0x40, 0x01, 0x0c, 0x01, 0x0f, 0xff}, Unknown},
		"another layer":             {[]byte{0x62, 0x09, 0x93, 0x10}, Unknown},
		"no temporal layer":         {[]byte{0x62, 0x00, 0x93, 0x10}, Unknown},
		"IDR of a temporal layer":   {[]byte{0x28, 0x02, 0xaf, 0x10}, Unknown},
		"fragment of no slice":      {[]byte{0x62, 0x01, 0xb3, 0x10}, Unknown},
		"forbidden bit":             {[]byte{0xe5, 0x88, 0x84}, Unknown},
		"reserved bit":              {[]byte{0x7c, 0xa5, 0x88}, Unknown},
		"IDR without importance":    {[]byte{0x05, 0x88, 0x84}, Unknown},
		"SPS that cannot be read":   {[]byte{0x67, 0x42, 0xc0, 0x1f}, Unknown},
		"STAP-A cut short":          {[]byte{0x78, 0, 2, 0x41, 0x9a, 0, 9, 0x41}, Unknown},
		"STAP-A with what is none":  {[]byte{0x78, 0, 2, 0x41, 0x9a, 0, 2, 0x50, 0x9a}, Unknown},
		"aggregate of slices":       {[]byte{0x60, 1, 0, 3, 0x02, 0x01, 0xd0, 0, 3, 0x02, 0x01, 0x10}, H265},
	} {
		var s Sniffer
		s.Add(tc.payload)
		if codec, certain := s.Codec(); codec != tc.want || certain {
			t.Errorf("%s: got %s, certain %v", name, codec, certain)
		}
	}
}

func TestSniffIsCertainOnlyWithoutDoubt(t *testing.T) {
	here, there, nowhere := []byte{0x61, 0x9a, 0x24}, []byte{0x62, 0x01, 0x93, 0x10}, []byte{0xe5, 0x88}
	for name, tc := range map[string]struct {
		here, there, nowhere int
		want                 bool
	}{
		"three are too few":        {3, 0, 0, false},
		"four":                     {4, 0, 0, true},
		"a quarter is other":       {8, 2, 0, true},
		"more than a quarter":      {7, 2, 0, false},
		"half of it is nonsense":   {4, 0, 4, true},
		"more of it is nonsense":   {4, 0, 5, false},
		"enough outweighs both":    {12, 3, 12, true},
		"as much of the other one": {9, 9, 0, false},
	} {
		var s Sniffer
		for payload, n := range map[*[]byte]int{&here: tc.here, &there: tc.there, &nowhere: tc.nowhere} {
			for range n {
				s.Add(*payload)
			}
		}
		if codec, certain := s.Codec(); certain != tc.want {
			t.Errorf("%s: got %s, certain %v", name, codec, certain)
		}
	}
}

func TestSniffIsNotSureOfWhatBothCouldBe(t *testing.T) {
	var s Sniffer
	for range 100 {
		s.Add([]byte{0x06, 0x05, 0x10, 0x80}) // SEI here, a slice there
	}
	if codec, certain := s.Codec(); codec != Unknown || certain {
		t.Errorf("got %s, certain %v", codec, certain)
	}
	s.Add([]byte{0x41, 0x9a, 0x24})
	if codec, certain := s.Codec(); codec != H264 || certain {
		t.Errorf("after one slice: got %s, certain %v", codec, certain)
	}
	for range 3 {
		s.Add([]byte{0x41, 0x9a, 0x24})
	}
	if codec, certain := s.Codec(); codec != H264 || !certain {
		t.Errorf("after four: got %s, certain %v", codec, certain)
	}
}

func TestSniffNoiseIsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Sniffer
		noise := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 20), 0, 40).Draw(t, "payloads")
		for _, p := range noise {
			s.Add(append([]byte{0x80, 0xc8}, p...)) // RTCP and RTP begin thus
		}
		if codec, certain := s.Codec(); certain {
			t.Fatalf("taken for %s", codec)
		}
	})
}

func TestCodecNames(t *testing.T) {
	if got := Unknown.String() + ", " + H264.String() + ", " + H265.String(); got != "unknown, H.264, H.265" {
		t.Errorf("got %s", got)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte{0x60, 0x01, 0, 4, 0x40, 0x01, 0x0c, 0x01})
	f.Add(unhex(f, spsMain))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var s Sniffer
		s.Add(payload)
		if s.h264 > 0 && s.h265 > 0 && !bytes.Contains(payload, startCode) {
			t.Fatal("one payload voted for both")
		}
		if codec, certain := s.Codec(); certain && codec == Unknown {
			t.Fatal("certain of nothing")
		}
	})
}
