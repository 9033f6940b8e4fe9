// Package ovs reads ovs:// references: the addresses by which a chat request names pictures of a stream.
//
//	image   = "ovs://streams/" uuid "?" one of frame_index, timestamp_ms, offset_ms [tolerance_ms] [direction]
//	segment = "ovs://streams/" uuid "?" one of start_… [one of end_…] [max_fps]
//
// A reference is an identifier for the server, never something to fetch. The grammar is that of the service's
// media-URL page; what a reference resolves to is package window's business.
package ovs

import (
	"regexp"
	"strings"
	"time"
)

// Scheme is how every reference begins.
const Scheme = "ovs://"

const streams = Scheme + "streams/"

// The defaults of the optional parameters.
const (
	DefaultTolerance = 100 * time.Millisecond
	DefaultMaxFPS    = 1.0
)

// A Kind says in which of three ways an anchor names a place in a stream.
type Kind int

// The kinds of anchor.
const (
	Index     Kind = iota // lifetime index of a frame; negative counts back from the newest
	Timestamp             // milliseconds since the stream's first frame
	Offset                // milliseconds: negative from the live edge, others from the oldest retained frame
)

// An Anchor is one place in a stream.
type Anchor struct {
	Kind  Kind
	Value int64 // an index or milliseconds, by Kind
}

// A Direction says which way a look-up by time may snap to a frame.
type Direction string

// The directions.
const (
	Nearest  Direction = "nearest"
	Forward  Direction = "forward"
	Backward Direction = "backward"
)

// An Image names one frame of a stream.
type Image struct {
	Stream    string // lower-case UUID
	At        Anchor
	Tolerance time.Duration // how far At may be from the frame; of no meaning for Index
	Direction Direction
}

// A Segment names a range of frames of a stream: from Start up to but not including End.
type Segment struct {
	Stream string // lower-case UUID
	Start  Anchor
	End    *Anchor // nil: up to the live edge
	MaxFPS float64 // at most so many frames per second of the range; > 0
}

// Codes of an Error, as the service calls them.
const (
	CodeURLInvalid   = "stream_url_invalid"
	CodeParamInvalid = "query_param_invalid"
)

// An Error says what is wrong with a reference.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ParseImage reads the reference of an image_url part. Its errors are *Error.
func ParseImage(reference string) (Image, error) {
	id, query, err := split(reference)
	if err != nil {
		return Image{}, err
	}
	p, err := parseParams(query, "frame_index", "timestamp_ms", "offset_ms", "tolerance_ms", "direction")
	if err != nil {
		return Image{}, err
	}
	image := Image{Stream: id, Tolerance: DefaultTolerance, Direction: Nearest}
	if image.At, err = p.needAnchor("frame_index", "timestamp_ms", "offset_ms"); err != nil {
		return Image{}, err
	}
	if image.Tolerance, err = p.tolerance(); err != nil {
		return Image{}, err
	}
	if image.Direction, err = p.direction(); err != nil {
		return Image{}, err
	}
	return image, nil
}

// ParseSegment reads the reference of a video_url part. Its errors are *Error.
func ParseSegment(reference string) (Segment, error) {
	id, query, err := split(reference)
	if err != nil {
		return Segment{}, err
	}
	p, err := parseParams(query, "start_frame_index", "start_timestamp_ms", "start_offset_ms",
		"end_frame_index", "end_timestamp_ms", "end_offset_ms", "max_fps")
	if err != nil {
		return Segment{}, err
	}
	segment := Segment{Stream: id}
	if segment.Start, err = p.needAnchor("start_frame_index", "start_timestamp_ms", "start_offset_ms"); err != nil {
		return Segment{}, err
	}
	if segment.End, err = p.anchor("end_frame_index", "end_timestamp_ms", "end_offset_ms"); err != nil {
		return Segment{}, err
	}
	if segment.MaxFPS, err = p.maxFPS(); err != nil {
		return Segment{}, err
	}
	return segment, nil
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// split takes a reference apart into stream id and query.
func split(reference string) (id, query string, err error) {
	rest, ok := strings.CutPrefix(reference, streams)
	if !ok {
		return "", "", &Error{CodeURLInvalid, "a reference begins with " + streams}
	}
	id, query, _ = strings.Cut(rest, "?")
	if !uuid.MatchString(id) {
		return "", "", &Error{CodeURLInvalid, "the stream id is not a lower-case UUID"}
	}
	return id, query, nil
}
