package ingest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

const (
	// proof is how many key frames a session without B-frames needs for the camera to count as reconfigured.
	proof = 3
	// trial is for how many pictures video is watched before it is passed on, where it must be refused if B-frames come: some more than
	// may stand between two other pictures.
	trial = 20
)

// judge finds out whether the H.264 of a camera can be passed on. What a sequence parameter set promises is known before the first picture;
// B-frames only show when they come. So they are remembered, together with the parameter set under which they came: a camera that has
// them is transcoded from the first picture of its next session. It is judged anew when the parameter set changes, and at the next session
// after one in which no B-frame came within some groups of pictures.
//
// Where transcoding is not allowed, a camera that was refused must be able to show that it was reconfigured, and no stream may be made for
// pictures that are about to be refused. So there memory condemns nobody, but who has given cause is watched for a while first.
type judge struct {
	wary     bool   // transcoding is not allowed
	reorders []byte // the SPS under which B-frames came last; nil: they never did
	orderly  []byte // the SPS that stood trial last
	tried    []byte // the SPS that stands trial, over sessions: where pictures are rare, none lasts that long
	pictures int    // so far, without a B-frame

	// Of the session.
	sps     []byte // the newest
	format  h264.Format
	known   bool // format says what sps does
	keys    int
	bslices bool
}

// begin starts a new session.
func (j *judge) begin() {
	if j.keys >= proof && !j.bslices {
		j.reorders = nil
	}
	*j = judge{wary: j.wary, reorders: j.reorders, orderly: j.orderly, tried: j.tried, pictures: j.pictures}
}

// learn takes a sequence parameter set, which is borrowed, and tells whether it is news.
func (j *judge) learn(sps []byte) bool {
	if len(sps) == 0 || bytes.Equal(sps, j.sps) {
		return false
	}
	j.sps = bytes.Clone(sps)
	format, err := h264.ParseSPS(sps)
	j.format, j.known = format, err == nil
	j.keys, j.bslices = 0, false
	if !bytes.Equal(j.sps, j.tried) {
		j.tried, j.pictures = j.sps, 0
	}
	return true
}

// see takes note of a slice, and tells whether it changes the verdict.
func (j *judge) see(content h264.Content) (news bool) {
	if content.Has(h264.FirstSlice) {
		j.count(content)
	}
	if !content.Has(h264.BSlice) {
		return false
	}
	first := !j.bslices
	j.bslices = true
	if !j.known || !j.format.Reorders(content) {
		return false
	}
	news = !bytes.Equal(j.reorders, j.sps) || j.wary && first
	j.reorders, j.orderly, j.pictures = j.sps, nil, 0
	return news
}

func (j *judge) count(content h264.Content) {
	if content.Has(h264.IDR) {
		j.keys++
	}
	if j.pictures++; j.pictures > trial && !j.bslices {
		j.orderly = j.sps
	}
}

// onTrial tells whether nothing can be said yet.
func (j *judge) onTrial() bool {
	cause := j.known && j.format.Order() == h264.OrderChanged || j.reorders != nil && bytes.Equal(j.reorders, j.sps)
	return j.wary && cause && j.pictures <= trial && !bytes.Equal(j.orderly, j.sps)
}

// obstacle returns why the video cannot be passed on, or nil.
func (j *judge) obstacle() *camera.Fault {
	if j.known {
		if err := j.format.Passable(); err != nil {
			return obstacle(fmt.Errorf("a room cannot show the camera's H.264: %w", err), "set its profile to Main or High, with 8 bits and 4:2:0")
		}
	}
	if j.reorders != nil && (j.sps == nil || bytes.Equal(j.reorders, j.sps)) && (j.bslices || !j.wary) {
		return obstacle(errors.New("a room cannot show the camera's H.264: it has B-frames, which come in another order than they are shown"),
			"set its profile to Main or Baseline and B-frames to 0, and turn smart coding (H.264+, Smart Codec, Zipstream) off")
	}
	return nil
}

// wrongCodec is the obstacle of video that is no H.264 at all.
func wrongCodec(codec camera.Codec) *camera.Fault {
	if codec.Raw() {
		return obstacle(fmt.Errorf("a room cannot show raw pictures (%s)", codec), "choose H.264 as the source's format, if the camera has it")
	}
	return obstacle(fmt.Errorf("a room cannot show the camera's %s", codec), "set it to H.264, or use the address of its second stream, which often is")
}

func obstacle(err error, advice string) *camera.Fault {
	return &camera.Fault{Reason: camera.WrongCodec, Err: err, Advice: advice + ", or have it transcoded here with transcode: auto"}
}
