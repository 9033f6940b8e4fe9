// Package pipe lets a program in a child process encode for one camera: pictures go to its standard input, and what it makes comes from its standard
// output. Kinds of encoders that are programs share it; what the bytes look like is theirs to know.
package pipe

import (
	"context"
	"io"

	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// A Talk says how to speak with a program.
type Talk struct {
	Command child.Command
	Name    string              // for the log: "ffmpeg"
	Scrub   func(string) string // takes secrets out of what it says

	Head []byte                     // is written first
	Wrap func(*encode.Frame) []byte // returns what is written for a picture, borrowed until the next
	// Read reads what the program makes until r ends, and calls emit as encode.Desk has it. An error says that it makes something else.
	Read func(r io.Reader, emit func(unit []byte, timestamp uint32)) error
}

// Run starts the program and does what encode.Encoder asks of Work. When it returns, the program is gone, unless it cannot be killed.
func (t Talk) Run(ctx context.Context, job encode.Job, desk encode.Desk) error {
	c, err := child.Start(t.Command)
	if err != nil {
		return err
	}
	desk.Meter(c.ProcessorTime)
	w := &worker{talk: t, child: c, job: job, desk: desk, said: child.Talk{Log: job.Log, Scrub: t.Scrub, Name: t.Name}}
	return w.run(ctx)
}
