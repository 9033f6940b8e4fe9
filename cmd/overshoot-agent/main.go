// Command overshoot-agent stands beside cameras and makes them answerable: it publishes them to leased streams of Overshoot, asks
// questions about them, and forwards the answers.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
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
	Run      runCommand      `cmd:"" help:"Run the agent."`
	Check    checkCommand    `cmd:"" help:"Check a configuration and explain what it would do."`
	Probe    probeCommand    `cmd:"" help:"Tell what a camera sends, what the agent would make of it, and what to change."`
	Discover discoverCommand `cmd:"" help:"Find the cameras of this machine and its network, and print them as YAML."`
	Spool    spoolCommand    `cmd:"" help:"Look at the results that wait for their sinks, or have them delivered again."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
	Demo     demoCommand     `cmd:"" help:"Show the agent at work with simulated cameras and a simulated service."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var c commands
	parser := kong.Must(&c, kong.Name("overshoot-agent"), kong.UsageOnError(),
		kong.Description("Publishes cameras to Overshoot, asks about them, and forwards the answers."))
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "overshoot-agent:", withoutLogins(err, args))
		fmt.Fprintln(os.Stderr, "hint: overshoot-agent --help lists the commands")
		return exitUsage
	}
	return exitCode(parsed.Run())
}

// withoutLogins blanks arguments that may be addresses with passwords: errors repeat what was not understood.
func withoutLogins(err error, args []string) error {
	var scrubber secret.Scrubber
	for _, arg := range args {
		if _, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "--") {
			arg = value
		}
		if strings.Contains(arg, "@") {
			scrubber.Add(secret.New(arg))
		}
	}
	return scrubber.Error(err)
}

// exitCode prints what went wrong, a line for each problem, and chooses the code.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errReported) {
		return exitFailure
	}
	fmt.Fprintln(os.Stderr, err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[config.Problems](err); ok {
		return exitConfig
	}
	if errors.Is(err, statedir.ErrLocked) {
		return exitLocked
	}
	return exitFailure
}
