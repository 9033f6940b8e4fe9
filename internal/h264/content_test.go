package h264

import "testing"

func TestLook(t *testing.T) {
	for _, tc := range []struct {
		name    string
		payload []byte
		want    Content
	}{
		{"empty", nil, Invalid},
		{"sps", []byte{0x67, 0x42}, SPS},
		{"pps", []byte{0x68, 0xce}, PPS},
		{"idr", []byte{0x65, 0x88}, IDR},
		{"slice", []byte{0x41, 0x9a}, Slice},
		{"access unit delimiter", []byte{0x09, 0xf0}, AUD},
		{"supplemental information", []byte{0x06, 0x05, 0x01}, SEI},
		{"a reserved unit", []byte{0x70, 0x05}, 0},
		{"first fragment of an IDR", []byte{0x7c, 0x85, 0x88}, IDR},
		{"later fragment of an IDR", []byte{0x7c, 0x05, 0x88}, IDR},
		{"fragment without a body", []byte{0x7c, 0x85}, IDR},
		{"fragment without a header", []byte{0x7c}, Invalid},
		{"STAP-A of SPS and PPS", []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}, SPS | PPS},
		{"STAP-A cut short", []byte{0x78, 0, 2, 0x67, 0x42, 0, 9, 0x68, 0xce}, SPS | Invalid},
		{"STAP-B", []byte{0x79, 0, 0, 0, 1, 0x67}, Invalid},
		{"reserved", []byte{0x60}, Invalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Look(tc.payload); got != tc.want {
				t.Errorf("got %b, want %b", got, tc.want)
			}
		})
	}
}
