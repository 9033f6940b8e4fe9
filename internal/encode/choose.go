package encode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// Encoders knows which encoders work on this machine. It tries one when it is first considered, and remembers the outcome for as long as
// the process lives; but where none works, all are tried again the next time: the machine may just have been too busy, or get a better
// ffmpeg. One is shared by all cameras; its methods may be called from any goroutine.
type Encoders struct {
	all     []Encoder
	decoder Decoder // nil: there is none

	turn   chan struct{} // holds a token when nobody is using trials
	trials map[sort]*outcome

	mu   sync.Mutex
	left map[string][]*outcome // work that did not return when it should have, by encoder

	board  string // a file, see boardFile
	hinted sync.Once
}

// A sort of trial is made once.
type sort struct {
	name  string       // of the encoder
	codec camera.Codec // of the pictures; "" where it does not matter
}

// NewEncoders returns the encoders of some kinds. Of encoders of one class, those that come first are tried first.
func NewEncoders(kinds ...Kind) *Encoders {
	e := &Encoders{
		turn: make(chan struct{}, 1), trials: make(map[sort]*outcome), left: make(map[string][]*outcome), board: boardFile,
	}
	e.turn <- struct{}{}
	for _, kind := range kinds {
		e.all = append(e.all, kind.Encoders()...)
		if d, ok := kind.(Decoder); ok {
			e.decoder = d
		}
	}
	return e
}

// names lists all encoders that there may be.
func (e *Encoders) names() (names []string) {
	for _, each := range e.all {
		names = append(names, each.Name())
	}
	return names
}

// ranked lists the encoders for a codec, best first: what costs the processor nothing before what costs it least. An encoder in this process makes
// no copies between processes, and an ffmpeg has the better decoder of JPEG.
func (e *Encoders) ranked(c camera.Codec) []Encoder {
	order := []Class{HardwareInside, HardwareChild, SoftwareChild, SoftwareInside}
	if c.Raw() {
		order = []Class{HardwareInside, HardwareChild, SoftwareInside, SoftwareChild}
	}
	ranked := slices.Clone(e.all)
	slices.SortStableFunc(ranked, func(a, b Encoder) int { return slices.Index(order, a.Class()) - slices.Index(order, b.Class()) })
	return ranked
}

// A Verdict is the outcome of trying an encoder.
type Verdict struct {
	Encoder string
	Class   Class
	Err     error // nil: it works
}

// Verdicts tries every encoder that was not tried yet and may do the job, and returns the outcomes, best encoder first. It blocks for seconds.
func (e *Encoders) Verdicts(ctx context.Context, job Job) ([]Verdict, error) {
	return e.consider(ctx, job, func(Verdict) bool { return false })
}

// A choice is an encoder that works, and why better ones were passed over.
type choice struct {
	encoder Encoder
	passed  []Verdict
}

// choose returns the best encoder for a job that works and that the caller does not avoid. The error is a *camera.Fault, or that of ctx.
func (e *Encoders) choose(ctx context.Context, job Job, avoid func(name string) error) (choice, error) {
	var chosen string
	verdicts, err := e.consider(ctx, job, func(v Verdict) bool {
		if v.Err == nil && avoid(v.Encoder) == nil {
			chosen = v.Encoder
		}
		return chosen != ""
	})
	if err != nil {
		return choice{}, err
	}
	for i, v := range verdicts {
		if v.Err == nil {
			verdicts[i].Err = avoid(v.Encoder)
		}
	}
	for _, each := range e.all {
		if each.Name() == chosen {
			return choice{encoder: each, passed: verdicts[:len(verdicts)-1]}, nil
		}
	}
	return choice{}, noneWorks(verdicts, job)
}

// noneWorks says why a camera cannot be shown.
func noneWorks(verdicts []Verdict, job Job) *camera.Fault {
	advice := "install an ffmpeg with libx264 (apt install ffmpeg)"
	switch {
	case !job.Codec.Single():
		advice += ", or set the camera to H.264 without B-frames, or use the address of its second stream, which often is"
	case job.Shrinks(job.Height):
		advice += ", or have the camera give smaller pictures (source: width, height), or raise max_height"
	}
	return &camera.Fault{
		Reason: camera.WrongCodec, Err: fmt.Errorf("the video must be transcoded, and no encoder works: %s", strings.Join(reasons(verdicts), "; ")),
		Advice: advice,
	}
}

// consider goes through the encoders, best first, until enough.
func (e *Encoders) consider(ctx context.Context, job Job, enough func(Verdict) bool) (verdicts []Verdict, err error) {
	select {
	case <-e.turn:
		defer func() { e.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for _, each := range e.ranked(job.Codec) {
		v := Verdict{Encoder: each.Name(), Class: each.Class()}
		if v.Err, err = e.verdict(ctx, job, each); err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
		if enough(v) {
			break
		}
	}
	if !slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Err == nil }) {
		clear(e.trials)
	}
	return verdicts, nil
}

// verdict says whether an encoder may do the job, and tries it if it never was.
func (e *Encoders) verdict(ctx context.Context, job Job, each Encoder) (verdict, err error) {
	if why := each.Takes(job); why != nil { // each time: an ffmpeg may have been installed meanwhile
		return why, nil
	}
	if e.hangs(each.Name()) {
		return errHangs, nil
	}
	sort := sort{name: each.Name()}
	if each.Class().Inside() && job.Codec.Single() { // it takes pictures as they are, and may not take all kinds
		sort.codec = job.Codec
	}
	t := e.trials[sort]
	if t == nil {
		t = e.try(each, sort.codec)
		e.trials[sort] = t
	}
	select {
	case <-t.over:
		return t.err, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errHangs = errors.New("a driver has not come back from the last time")

// leave notes that an encoder did not return from its work. It is not used before it has.
func (e *Encoders) leave(name string, work *outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.left[name] = append(e.left[name], work)
}

func (e *Encoders) hangs(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.left[name] = slices.DeleteFunc(e.left[name], (*outcome).isOver)
	return len(e.left[name]) > 0
}

// reasons says why encoders were passed over, in a line for each reason.
func reasons(verdicts []Verdict) (lines []string) {
	var texts []string
	names := make(map[string][]string)
	for _, v := range verdicts {
		text := fmt.Sprint(v.Err)
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], v.Encoder)
	}
	for _, text := range texts {
		lines = append(lines, strings.Join(names[text], ", ")+": "+text)
	}
	return lines
}
