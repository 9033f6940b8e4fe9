// Package file is the source for trials: it plays a clip over and over, as if it came from a camera.
//
// It reads MP4 (also in fragments, as recorders write it, and MOV) and MPEG-TS with H.264 or H.265, byte streams of these, and rows of JPEG
// files (MJPEG); it goes by what a file holds, not by its name. Clips are read as they are played, and never kept in memory. The reader for MP4
// is our own: the one of mediacommon wants edit lists and 32-bit offsets, as many files do not have, and keeps an object for each picture.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// Source is one clip.
type Source struct {
	config Config

	mu    sync.Mutex
	facts []camera.Fact
}

// New returns the source for checked settings.
func New(c Config) *Source { return &Source{config: c} }

// String implements camera.Source.
func (s *Source) String() string { return s.config.Path }

// Run implements camera.Source. A clip never ends; the session does when the file is replaced.
func (s *Source) Run(ctx context.Context, r camera.Receiver) error {
	f, err := open(s.config.Path)
	if err != nil {
		return fault("opening", s.config.Path, err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return fault("opening", s.config.Path, err)
	}
	form, err := recognize(f)
	if err != nil {
		return fault("opening", s.config.Path, err)
	}
	p := &player{to: r, began: func(format camera.Format) { s.report(form, format) }}
	for {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return fault("reading", s.config.Path, err)
		}
		c, err := s.clip(f, form)
		if err == nil {
			err = p.play(ctx, c)
		}
		if err == nil {
			err = unchanged(before, s.config.Path)
		}
		if err != nil {
			return fault("playing", s.config.Path, err)
		}
	}
}

// clip returns what reads a file of a form.
func (s *Source) clip(f *os.File, form bytestream.Form) (clip, error) {
	switch form {
	case bytestream.MP4:
		return newMP4(f)
	case bytestream.MPEGTS:
		return newTS(f), nil
	case bytestream.JPEG:
		return newJPEGs(f, s.config.FPS), nil
	}
	return newStream(f, s.config.FPS)
}

// Report implements camera.Reporter.
func (s *Source) Report() camera.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return camera.Report{Facts: slices.Clone(s.facts)}
}

func (s *Source) report(form bytestream.Form, format camera.Format) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = []camera.Fact{{Name: "clip", Value: inWords(form, format.Codec)}}
	if s.config.FPS != 0 && (form == bytestream.MP4 || form == bytestream.MPEGTS) {
		s.facts = append(s.facts, camera.Fact{Name: "fps", Value: "left alone: the clip says itself when its pictures are to be shown"})
	}
}

// inWords says what a clip is.
func inWords(form bytestream.Form, codec camera.Codec) string {
	switch form {
	case bytestream.AnnexB:
		return "a byte stream of " + string(codec)
	case bytestream.JPEG:
		return "JPEG files, one behind the other"
	}
	return fmt.Sprintf("%s with %s", form, codec)
}

// open opens a file that can be played again and again.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path) // before it is opened: opening a pipe would wait for its writer
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, &camera.Fault{Reason: camera.NotFound, Err: errors.New("it is a folder"), Advice: "name one clip in it"}
	case !info.Mode().IsRegular():
		return nil, &camera.Fault{
			Reason: camera.NotFound, Err: errors.New("it is no file"),
			Advice: "name a clip; pipes and devices are read by the source exec, as command: [cat, /path]",
		}
	}
	return os.Open(path)
}

// recognize tells what a file holds.
func recognize(f *os.File) (bytestream.Form, error) {
	var head [bytestream.Enough]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if n == 0 {
		return "", noVideo("it is empty")
	}
	switch form := bytestream.Recognize(head[:n]); form {
	case bytestream.MP4, bytestream.MPEGTS, bytestream.AnnexB, bytestream.JPEG:
		return form, nil
	}
	what := bytestream.Describe(head[:n])
	if strings.HasPrefix(what, "text") {
		return "", noVideo("it holds " + what)
	}
	return "", unusable(f.Name(), "it holds "+what)
}

// noVideo is the fault of a file of which nothing can be made.
func noVideo(why string) error {
	return &camera.Fault{Reason: camera.WrongCodec, Err: errors.New(why), Advice: "name a clip with video"}
}

// unusable is the fault of a clip that must be converted.
func unusable(path, why string) error {
	into := filepath.Base(path)
	into = into[:len(into)-len(filepath.Ext(into))] + "-h264.mp4"
	return &camera.Fault{
		Reason: camera.WrongCodec, Err: errors.New(why),
		Advice: fmt.Sprintf("convert it: ffmpeg -i %q -an -c:v libx264 -bf 0 -g 50 -pix_fmt yuv420p %q", path, into),
	}
}

// errChanged: the file is not the one that was opened.
var errChanged = errors.New("it was changed")

// unchanged looks whether the file of that name is still the same.
func unchanged(before os.FileInfo, path string) error {
	now, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(before, now) || !before.ModTime().Equal(now.ModTime()) || before.Size() != now.Size() {
		return errChanged
	}
	return nil
}

// fault says what went wrong with a clip, and what a person could do.
func fault(doing, path string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	f := &camera.Fault{Reason: camera.Protocol}
	known, isFault := errors.AsType[*camera.Fault](err)
	unreadable, isUnusable := errors.AsType[*bytestream.UnusableError](err)
	switch {
	case isFault:
		f.Reason, f.Advice, err = known.Reason, known.Advice, known.Err
	case isUnusable:
		return fault(doing, path, unusable(path, unreadable.Error()))
	case errors.Is(err, errChanged):
		f.Reason, f.Advice = camera.Closed, "playing the new one"
	case errors.Is(err, fs.ErrNotExist):
		f.Reason, f.Advice = camera.NotFound, "check path: it counts from the folder of the configuration file"
	case errors.Is(err, fs.ErrPermission):
		f.Reason, f.Advice = camera.NotFound, "let the user that the agent runs as read it"
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.Advice, err = "copy it again", errors.New("the file ends too early")
	}
	if bad, ok := errors.AsType[*fs.PathError](err); ok {
		err = bad.Err // the path is said already
	}
	f.Err = fmt.Errorf("%s %s: %w", doing, path, err)
	return f
}
