package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// An Outcome is what the agent would do with a video.
type Outcome string

// The outcomes.
const (
	Pass      Outcome = "pass"
	Transcode Outcome = "transcode"
	Unusable  Outcome = "unusable"
	Unknown   Outcome = "unknown" // the probe ended too soon to tell
)

// A Verdict is an outcome with its reason.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"`
	Encoder string  `json:"encoder,omitempty"` // that would be used to transcode

	software bool // the encoder costs processor time
}

// Usable tells whether the agent can use the camera.
func (v Verdict) Usable() bool { return v.Outcome == Pass || v.Outcome == Transcode }

func (v Verdict) String() string {
	switch v.Outcome {
	case Pass:
		return "will be passed on as it is"
	case Transcode:
		costs := "this machine's encoder hardware"
		if v.software {
			costs = "CPU"
		}
		return fmt.Sprintf("will be transcoded (%s; encoder %s, costs %s)", v.Why, v.Encoder, costs)
	case Unusable:
		return "cannot be used: " + v.Why
	}
	return "not known: " + v.Why
}

// judge decides what the agent would do. err is why the source ended, nil when the probe ended it.
func (r *Report) judge(ctx context.Context, m *meter, o Options, err error) {
	if r.workedUntil(err) && r.lacking(m) == nil {
		r.hungUp, err = true, nil
	}
	if err == nil {
		err = r.lacking(m)
	}
	if err == nil {
		err = r.route(ctx, m.obstacle(), m.job(o.MaxHeight), o)
	}
	if soon, early := errors.AsType[*tooSoonError](err); early {
		r.Verdict = Verdict{Outcome: Unknown, Why: soon.Error()}
	} else if err != nil {
		r.refuse(err)
	}
}

// worked is how long a camera must send before the agent takes it for one that works.
const worked = 3 * time.Second

// workedUntil tells whether a camera ended a session in which it had worked. Some do so all their life; the agent opens them again at once.
func (r *Report) workedUntil(err error) bool {
	return camera.ReasonOf(err) == camera.Closed && time.Duration(r.Timing.Watched) >= worked
}

// route chooses the way of a video that could be used.
func (r *Report) route(ctx context.Context, o *obstacle, job encode.Job, options Options) error {
	switch {
	case o == nil && options.Transcode != config.TranscodeAlways:
		r.Verdict = Verdict{Outcome: Pass}
		return nil
	case o == nil:
		o = &obstacle{why: "transcode: always"}
	case options.Transcode == config.TranscodeNever:
		return &camera.Fault{
			Reason: camera.WrongCodec, Err: fmt.Errorf("the video would have to be transcoded (%s), and `transcode: never` forbids that", o.why),
			Advice: o.advice + ", or remove `transcode: never`",
		}
	}
	encoder, err := bestEncoder(ctx, options.Encoders, job, o)
	r.Verdict = Verdict{Outcome: Transcode, Why: o.why, Encoder: encoder.Encoder, software: encoder.Class.Software()}
	r.instead = o.advice
	return err
}

func (r *Report) refuse(err error) {
	advice := ""
	if known, ok := errors.AsType[*camera.Fault](err); ok {
		advice = known.Advice
	}
	text := plain(strings.TrimSuffix(err.Error(), "; "+advice))
	r.Fault = &Fault{Reason: camera.ReasonOf(err), Text: text, Advice: plain(advice)}
	r.Verdict = Verdict{Outcome: Unusable, Why: text}
}

// tooSoonError says that a probe ended before there was anything to judge.
type tooSoonError struct{ what string }

func (e *tooSoonError) Error() string { return e.what }
