package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
)

type exportCommand struct {
	Where spoolFile `embed:""`
	Sink  string    `placeholder:"NAME" help:"Only what waits for this sink."`
	Dead  bool      `help:"The dead letters, each with its reason, instead of what waits."`
}

// Run prints results, one a line, as the file sink writes them. What is damaged is left out and told at the end.
func (c *exportCommand) Run() error {
	v, err := c.Where.view()
	if err != nil {
		return err
	}
	defer v.Close()
	out := bufio.NewWriter(os.Stdout)
	return errors.Join(c.export(out, v), out.Flush(), v.Damage)
}

func (c *exportCommand) export(to io.Writer, v *spool.View) error {
	lines := json.NewEncoder(to)
	lines.SetEscapeHTML(false)
	if c.Dead {
		return v.DeadLetters(c.Sink, func(d spool.DeadLetter) error { return lines.Encode(d) })
	}
	return v.Results(c.Sink, func(r result.Result) error { return lines.Encode(r) })
}
