// Command overshoot-agent stands beside cameras and makes them answerable: it publishes them to leased streams of Overshoot, asks
// questions about them, and forwards the answers.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/statedir"
)

// Exit codes, after sysexits.h. A service manager must not restart into 64 and 78; 75 is gone when the other agent is.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 64
	exitLocked  = 75
	exitConfig  = 78
)

type commands struct {
	Run     runCommand     `cmd:"" help:"Run the agent."`
	Check   checkCommand   `cmd:"" help:"Check a configuration and explain what it would do."`
	Spool   spoolCommand   `cmd:"" help:"Look at the results that wait for their sinks, or have them delivered again."`
	Version versionCommand `cmd:"" help:"Print the version."`
	Demo    demoCommand    `cmd:"" help:"Show the agent at work with simulated cameras and a simulated service."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var c commands
	parser := kong.Must(&c, kong.Name("overshoot-agent"), kong.UsageOnError(),
		kong.Description("Publishes cameras to Overshoot, asks about them, and forwards the answers."))
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "overshoot-agent:", err)
		fmt.Fprintln(os.Stderr, "hint: overshoot-agent --help lists the commands")
		return exitUsage
	}
	return exitCode(parsed.Run())
}

// exitCode prints what went wrong, a line for each problem, and chooses the code.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(os.Stderr, err)
	if _, ok := errors.AsType[config.Problems](err); ok {
		return exitConfig
	}
	if errors.Is(err, statedir.ErrLocked) {
		return exitLocked
	}
	return exitFailure
}
