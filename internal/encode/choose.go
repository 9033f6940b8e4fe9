package encode

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// advice is for who has cameras that must be transcoded, and no means to.
const advice = "or set the camera to H.264 without B-frames, or use the address of its second stream, which often is"

// Encoders knows which encoders work on this machine. It tries one when it is first considered, and remembers the outcome for as long as
// the process lives; but where none works, all are tried again the next time: the machine may just have been too busy, or get a better
// ffmpeg. One is shared by all cameras; its methods may be called from any goroutine.
type Encoders struct {
	program string
	scrub   func(string) string
	turn    chan struct{} // holds a token when nobody is using trials
	trials  map[string]*trial
}

// A trial of an encoder. It comes to its end even when who asked for it is gone: a camera that waits for an encoder shows nothing, and its
// watchdog ends the session sooner than the trial of one that hangs.
type trial struct {
	over    chan struct{} // closed at its end
	outcome error         // valid from then on
}

// try begins a trial.
func (e *Encoders) try(path string, each encoder) *trial {
	t := &trial{over: make(chan struct{})}
	go func() {
		defer close(t.over)
		t.outcome = guard.Run(func() error { return probe(context.Background(), path, each, e.scrub) })
	}()
	return t
}

// NewEncoders returns Encoders of program, "ffmpeg" or a path to it. scrub takes secrets out of what it says.
func NewEncoders(program string, scrub func(string) string) *Encoders {
	e := &Encoders{program: program, scrub: scrub, turn: make(chan struct{}, 1), trials: make(map[string]*trial)}
	e.turn <- struct{}{}
	return e
}

// A Verdict is the outcome of trying an encoder.
type Verdict struct {
	Encoder string
	Err     error // nil: it works
}

// Verdicts tries every encoder that was not tried yet, and returns the outcomes, best encoder first. It blocks for seconds. The error is a
// *camera.Fault when there is no ffmpeg.
func (e *Encoders) Verdicts(ctx context.Context) ([]Verdict, error) {
	verdicts, _, err := e.consider(ctx, func(Verdict) bool { return false })
	return verdicts, err
}

// A choice is an encoder that works, and why better ones were passed over.
type choice struct {
	program string
	encoder encoder
	passed  []Verdict
}

// choose returns the best encoder that works and that the caller does not avoid. The error is a *camera.Fault, or that of ctx.
func (e *Encoders) choose(ctx context.Context, avoid func(name string) error) (choice, error) {
	var chosen string
	verdicts, path, err := e.consider(ctx, func(v Verdict) bool {
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
	for _, each := range encoders() {
		if each.name == chosen {
			return choice{program: path, encoder: each, passed: verdicts[:len(verdicts)-1]}, nil
		}
	}
	return choice{}, &camera.Fault{
		Reason: camera.WrongCodec, Err: fmt.Errorf("the video must be transcoded, and no encoder works: %s", strings.Join(reasons(verdicts), "; ")),
		Advice: "install an ffmpeg with libx264 (apt install ffmpeg), " + advice,
	}
}

// consider goes through the encoders, best first, until enough.
func (e *Encoders) consider(ctx context.Context, enough func(Verdict) bool) (verdicts []Verdict, path string, err error) {
	select {
	case <-e.turn:
		defer func() { e.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	path, err = child.Find(e.program) // each time: it may have been installed meanwhile
	if err != nil {
		return nil, "", &camera.Fault{
			Reason: camera.WrongCodec, Err: fmt.Errorf("the video must be transcoded: %w", err), Advice: "install ffmpeg (apt install ffmpeg), " + advice,
		}
	}
	for _, each := range encoders() {
		t := e.trials[each.name]
		if t == nil {
			t = e.try(path, each)
			e.trials[each.name] = t
		}
		select {
		case <-t.over:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
		v := Verdict{each.name, t.outcome}
		verdicts = append(verdicts, v)
		if enough(v) {
			break
		}
	}
	if !slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Err == nil }) {
		clear(e.trials)
	}
	return verdicts, path, nil
}

// reasons says in one line each why encoders were passed over.
func reasons(verdicts []Verdict) []string {
	var lines []string
	for _, v := range verdicts {
		lines = append(lines, fmt.Sprintf("%s: %v", v.Encoder, v.Err))
	}
	return lines
}
