// Package snapshot keeps pictures of what results are about: of each result that shall have one the nearest key frame goes into a file, and
// the result carries a reference to it. The file is a JPEG where ffmpeg is there and keeps up, else H.264 as the camera sent it.
//
// A picture is worth less than its result. Whatever fails or hangs, ffmpeg or the disk, holds up a result for some seconds at most; then it
// goes without. The files of a folder are bounded by bytes and age, the oldest go first, and a disk that is nearly full is left alone.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"go.uber.org/zap"
)

const (
	// bound is the most that a result waits for its picture.
	bound = 5 * time.Second
	// farthest is how far a key frame may be from what an answer is about. A scene changes in less, so beyond it a picture misleads.
	farthest = time.Minute
)

// Source has the key frames of a camera; *hub.Hub does.
type Source interface {
	Nearer(given hub.KeyFrame, to time.Time) hub.KeyFrame
}

// A Camera takes the pictures of one camera. Its methods may be called from any goroutine.
type Camera struct {
	gallery *Gallery
	folder  string // below that of the sink
	source  Source
	metrics *metrics
	mood    mood

	turn chan struct{} // holds a token while somebody uses last
	last picture
}

// A picture is ready to be written.
type picture struct {
	at   time.Time
	kind string // media type
	data []byte
}

// suffixes of the names of files, by media type.
var suffixes = map[string]string{result.JPEG: ".jpg", result.H264: ".h264"}

// Camera returns what takes the pictures of a camera, and makes its series. folder is its name as it may stand in a path.
func (g *Gallery) Camera(name, folder string, source Source, log *zap.Logger) *Camera {
	return &Camera{
		gallery: g, folder: folder, source: source, metrics: g.options.Metrics.camera(name), turn: make(chan struct{}, 1),
		mood: mood{log: log, bad: "results go without their snapshots", good: "results have their snapshots again"},
	}
}

// A Shot holds the picture of a result that is still to come.
type Shot struct {
	camera *Camera
	about  time.Time
	frame  hub.KeyFrame
}

// Hold takes hold of the key frame nearest to what a question is about. It does not block.
func (c *Camera) Hold(about time.Time) *Shot {
	return &Shot{c, about, c.source.Nearer(hub.KeyFrame{}, about)}
}

// Keep writes the picture for the result of this id into a folder and returns the reference, nil where there is none: that was counted and
// told. It blocks for some seconds at most, and not longer than until ctx ends.
func (s *Shot) Keep(ctx context.Context, id string, in Folder) *result.Snapshot {
	began := time.Now()
	ctx, end := context.WithTimeoutCause(ctx, s.camera.gallery.bound, errSlow)
	defer end()
	var kept *result.Snapshot
	err := guard.Run(func() (err error) { kept, err = s.keep(ctx, id, in); return err }) // no mistake of ours costs the result
	s.camera.judge(kept, err)
	s.camera.gallery.options.Metrics.seconds.Observe(time.Since(began).Seconds())
	return kept
}

func (s *Shot) keep(ctx context.Context, id string, in Folder) (*result.Snapshot, error) {
	frame := s.camera.source.Nearer(s.frame, s.about) // the next one may have come, and be nearer
	if frame.Data == nil {
		return nil, &failure{noKeyFrame, errors.New("there was no key frame")}
	}
	if away := frame.Time.Sub(s.about).Abs(); away > farthest {
		return nil, &failure{noKeyFrame, fmt.Errorf("the nearest key frame was %v away; in the camera's video settings set the I-frame interval to two seconds",
			away.Round(time.Second))}
	}
	p, err := s.camera.develop(ctx, frame)
	if err != nil {
		return nil, err
	}
	path, err := s.camera.gallery.album(in).put(ctx, s.camera.folder, nameOf(p.at, id, suffixes[p.kind]), p.data)
	if err != nil {
		return nil, err
	}
	return &result.Snapshot{Path: path, Type: p.kind, Time: p.at, Size: int64(len(p.data))}, nil
}

// develop makes a picture of a key frame. The last one is kept: the next result may be about the same, and another watch of the camera.
func (c *Camera) develop(ctx context.Context, frame hub.KeyFrame) (picture, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return picture{}, broken(ctx, ffmpegFailed)
	}
	if c.last.at.Equal(frame.Time) {
		return c.last, nil
	}
	data, err := c.gallery.darkroom.develop(ctx, frame.Data)
	switch {
	case errors.Is(err, errNotNow):
		return picture{frame.Time, result.H264, frame.Data}, nil
	case err != nil:
		return picture{}, err
	}
	c.last = picture{frame.Time, result.JPEG, data}
	return c.last, nil
}

// judge counts what became of a picture, and tells when that changes.
func (c *Camera) judge(kept *result.Snapshot, err error) {
	if kept != nil {
		c.metrics.taken(kept.Type).Inc()
		c.mood.well()
		return
	}
	reason := reasonOf(err)
	c.metrics.failed(reason).Inc()
	if reason != stopped {
		c.mood.worse(reason, c.gallery.options.Scrub(err.Error()))
	}
}
