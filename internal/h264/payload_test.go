package h264

import (
	"bytes"
	"testing"
)

func TestParseFragment(t *testing.T) {
	for name, tc := range map[string]struct {
		payload    []byte
		ok         bool
		header     byte
		start, end bool
		body       []byte
	}{
		"first":            {[]byte{0x7c, 0x85, 1, 2}, true, 0x65, true, false, []byte{1, 2}},
		"last, empty":      {[]byte{0x5c, 0x41}, true, 0x41, false, true, nil},
		"cut short":        {[]byte{0x7c}, false, 0, false, false, nil},
		"nothing":          {nil, false, 0, false, false, nil},
		"a unit by itself": {[]byte{0x65, 0x88}, false, 0, false, false, nil},
	} {
		f, ok := ParseFragment(tc.payload)
		if ok != tc.ok || f.Header != tc.header || f.Start != tc.start || f.End != tc.end || !bytes.Equal(f.Body, tc.body) {
			t.Errorf("%s: got %+v, %v", name, f, ok)
		}
	}
}
