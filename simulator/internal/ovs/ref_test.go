package ovs

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

const id = "7d1f0c52-8a3e-4b6d-9a71-0c5e2f9b4d10"

func TestParseImage(t *testing.T) {
	tests := []struct {
		query string
		want  Image
	}{
		{"frame_index=-1", Image{id, Anchor{Index, -1}, DefaultTolerance, Nearest}},
		{"frame_index=0", Image{id, Anchor{Index, 0}, DefaultTolerance, Nearest}},
		{"timestamp_ms=1500", Image{id, Anchor{Timestamp, 1500}, DefaultTolerance, Nearest}},
		{"offset_ms=-250&tolerance_ms=40&direction=backward", Image{id, Anchor{Offset, -250}, 40 * time.Millisecond, Backward}},
		{"direction=forward&offset_ms=0", Image{id, Anchor{Offset, 0}, DefaultTolerance, Forward}},
		{"frame_index=5&tolerance_ms=1&direction=nearest", Image{id, Anchor{Index, 5}, time.Millisecond, Nearest}},
		{"frame_index=%2D7", Image{id, Anchor{Index, -7}, DefaultTolerance, Nearest}},
	}
	for _, test := range tests {
		got, err := ParseImage("ovs://streams/" + id + "?" + test.query)
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v; want %+v", test.query, got, err, test.want)
		}
	}
}

func TestParseSegment(t *testing.T) {
	anchor := func(kind Kind, value int64) *Anchor { return &Anchor{kind, value} }
	tests := []struct {
		query string
		want  Segment
	}{
		{"start_offset_ms=-3000&max_fps=2", Segment{id, Anchor{Offset, -3000}, nil, 2}},
		{"start_offset_ms=-3000", Segment{id, Anchor{Offset, -3000}, nil, 1}},
		{"start_frame_index=10&end_frame_index=-1&max_fps=.5", Segment{id, Anchor{Index, 10}, anchor(Index, -1), .5}},
		{"start_timestamp_ms=0&end_offset_ms=-1", Segment{id, Anchor{Timestamp, 0}, anchor(Offset, -1), 1}},
		{"end_timestamp_ms=9&start_frame_index=0&max_fps=1e1", Segment{id, Anchor{Index, 0}, anchor(Timestamp, 9), 10}},
	}
	for _, test := range tests {
		got, err := ParseSegment("ovs://streams/" + id + "?" + test.query)
		if err != nil || got.Stream != test.want.Stream || got.Start != test.want.Start || got.MaxFPS != test.want.MaxFPS ||
			(got.End == nil) != (test.want.End == nil) || (got.End != nil && *got.End != *test.want.End) {
			t.Errorf("%s: got %+v, %v; want %+v", test.query, got, err, test.want)
		}
	}
}

func TestBadReferences(t *testing.T) {
	const good = "ovs://streams/" + id
	tests := []struct{ image, segment, code string }{ // one of image and segment
		{image: "ovs://stream/" + id + "?frame_index=-1", code: CodeURLInvalid},
		{image: "ovs://streams/?frame_index=-1", code: CodeURLInvalid},
		{image: "ovs://streams/not-a-uuid?frame_index=-1", code: CodeURLInvalid},
		{image: strings.ToUpper(good) + "?frame_index=-1", code: CodeURLInvalid},
		{image: "ovs://streams/" + strings.ToUpper(id) + "?frame_index=-1", code: CodeURLInvalid},
		{image: good + "/frames?frame_index=-1", code: CodeURLInvalid},
		{image: "https://example.test/", code: CodeURLInvalid},
		{image: good, code: CodeParamInvalid},
		{image: good + "?", code: CodeParamInvalid},
		{image: good + "?tolerance_ms=5", code: CodeParamInvalid},
		{image: good + "?frame_index=1&frame_index=1", code: CodeParamInvalid},
		{image: good + "?frame_index=1&timestamp_ms=1", code: CodeParamInvalid},
		{image: good + "?frame_index=1&colour=red", code: CodeParamInvalid},
		{image: good + "?frame_index=1&", code: CodeParamInvalid},
		{image: good + "?frame_index", code: CodeParamInvalid},
		{image: good + "?frame_index=", code: CodeParamInvalid},
		{image: good + "?frame_index=1.5", code: CodeParamInvalid},
		{image: good + "?frame_index=+1", code: CodeParamInvalid},
		{image: good + "?frame_index=%2B1", code: CodeParamInvalid},
		{image: good + "?frame_index=%zz", code: CodeParamInvalid},
		{image: good + "?frame_index=99999999999999999999", code: CodeParamInvalid},
		{image: good + "?timestamp_ms=1&tolerance_ms=0", code: CodeParamInvalid},
		{image: good + "?frame_index=1&tolerance_ms=-1", code: CodeParamInvalid},
		{image: good + "?timestamp_ms=1&direction=sideways", code: CodeParamInvalid},
		{image: good + "?start_offset_ms=-1000", code: CodeParamInvalid},
		{segment: good + "?frame_index=-1", code: CodeParamInvalid},
		{segment: good + "?max_fps=2", code: CodeParamInvalid},
		{segment: good + "?end_offset_ms=-5", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&start_frame_index=1", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&end_offset_ms=-1&end_frame_index=1", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&max_fps=0", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&max_fps=-1", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&max_fps=NaN", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&max_fps=Inf", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&max_fps=0x1p1", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&max_fps=1e999", code: CodeParamInvalid},
		{segment: good + "?start_offset_ms=-5&direction=nearest", code: CodeParamInvalid},
	}
	for _, test := range tests {
		_, err := ParseImage(test.image)
		if test.image == "" {
			_, err = ParseSegment(test.segment)
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != test.code {
			t.Errorf("%s%s: got %v, want %s", test.image, test.segment, err, test.code)
		}
	}
}

// FuzzParse: whatever strangers send gives an *Error or values within their bounds.
func FuzzParse(f *testing.F) {
	for _, query := range []string{"?frame_index=-1", "?start_offset_ms=-3000&max_fps=2", "?timestamp_ms=1&tolerance_ms=9&direction=forward", "?a=b&&=%"} {
		f.Add("ovs://streams/" + id + query)
	}
	f.Fuzz(func(t *testing.T, reference string) {
		image, err := ParseImage(reference)
		if err == nil && (image.Tolerance <= 0 || image.Direction == "" || !uuid.MatchString(image.Stream)) {
			t.Errorf("%q: took %+v", reference, image)
		}
		checkError(t, reference, err)
		segment, err := ParseSegment(reference)
		if err == nil && (segment.MaxFPS <= 0 || math.IsInf(segment.MaxFPS, 0) || !uuid.MatchString(segment.Stream)) {
			t.Errorf("%q: took %+v", reference, segment)
		}
		checkError(t, reference, err)
	})
}

func checkError(t *testing.T, reference string, err error) {
	if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Code == "" || e.Message == "") {
		t.Errorf("%q: error %v has no code", reference, err)
	}
}
