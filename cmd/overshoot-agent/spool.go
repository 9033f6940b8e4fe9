package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
)

type spoolCommand struct {
	Inspect inspectCommand `cmd:"" help:"Show what waits for which sink."`
	Verify  verifyCommand  `cmd:"" help:"Check every result in the spool. Fails when one is damaged."`
	Export  exportCommand  `cmd:"" help:"Print results as JSON lines."`
	Replay  replayCommand  `cmd:"" help:"Have results delivered to a sink again: its dead letters, and what is still there because other sinks wait. The agent must not run."`
}

// A spoolPlace says where a spool is.
type spoolPlace struct {
	Config   string `xor:"place" required:"" placeholder:"FILE" help:"The configuration file, which names the state folder."`
	StateDir string `xor:"place" required:"" placeholder:"DIR" help:"The state folder itself."`
}

// folder returns the state folder.
func (p *spoolPlace) folder() (string, error) {
	if p.StateDir != "" {
		return p.StateDir, nil
	}
	plan, err := load(p.Config, nil)
	if err != nil {
		return "", err
	}
	return plan.Config.StateDir, nil
}

// A spoolFile is a place, or one file of it.
type spoolFile struct {
	Config   string `xor:"place" required:"" placeholder:"FILE" help:"The configuration file, which names the state folder."`
	StateDir string `xor:"place" required:"" placeholder:"DIR" help:"The state folder itself."`
	File     string `xor:"place" required:"" placeholder:"FILE" help:"One file, such as a damaged one that was set aside."`
}

// view opens the file to look at it, also while the agent runs.
func (f *spoolFile) view() (*spool.View, error) {
	if f.File != "" {
		return spool.LookAt(f.File)
	}
	place := spoolPlace{Config: f.Config, StateDir: f.StateDir}
	folder, err := place.folder()
	if err != nil {
		return nil, err
	}
	return spool.LookAt(filepath.Join(folder, spool.FileName))
}

type inspectCommand struct {
	Where spoolFile `embed:""`
}

// Run shows a spool on standard output.
func (c *inspectCommand) Run() error {
	v, err := c.Where.view()
	if err != nil {
		return err
	}
	defer v.Close()
	return inspect(os.Stdout, v)
}

func inspect(to io.Writer, v *spool.View) error {
	fmt.Fprintf(to, "%d results wait, in %d bytes\n", v.Waiting(), v.Bytes())
	if v.Damage != nil {
		fmt.Fprintf(to, "damaged: %v\n", v.Damage)
	}
	for _, file := range v.SetAside() {
		fmt.Fprintf(to, "set aside because it was damaged: %s\n", file)
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SINK\tWAITING\tOLDEST\tDEAD LETTERS")
	for _, s := range v.Sinks() {
		oldest := "-"
		if !s.Oldest.IsZero() {
			oldest = s.Oldest.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\n", s.Name, s.Waiting, oldest, s.DeadLetters)
	}
	return table.Flush()
}

type verifyCommand struct {
	Where spoolFile `embed:""`
}

// Run reads everything in a spool.
func (c *verifyCommand) Run() error {
	v, err := c.Where.view()
	if err != nil {
		return err
	}
	defer v.Close()
	n, err := verify(v)
	if err != nil {
		return fmt.Errorf("%d results are whole; %w\nhint: the agent sets a damaged file aside when it starts, and goes on with what is readable", n, err)
	}
	fmt.Printf("the spool is good: %d results and dead letters are whole\n", n)
	return nil
}

func verify(v *spool.View) (n int, err error) {
	err = errors.Join(v.Damage,
		v.Results("", func(result.Result) error { n++; return nil }), v.DeadLetters("", func(spool.DeadLetter) error { n++; return nil }))
	return n, err
}
