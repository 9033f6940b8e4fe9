package v4l2

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// holders names the programs that have a device open, as far as the agent may see that: those of its own user, or all when it is root.
func holders(device string) (names []string) {
	real, err := filepath.EvalSymlinks(device)
	if err != nil {
		return nil
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return nil
	}
	open := map[string]int{}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == real {
			open[filepath.Dir(filepath.Dir(link))]++
		}
	}
	self := filepath.Join("/proc", strconv.Itoa(os.Getpid()))
	for _, process := range slices.Sorted(maps.Keys(open)) {
		switch {
		case process != self:
			names = append(names, programName(process))
		case open[self] > 1: // one of them is who asks
			names = append(names, "another camera of this agent, which has the same device")
		}
	}
	return names
}

// programName names who is behind a folder of /proc.
func programName(process string) string {
	id := filepath.Base(process)
	name, err := os.ReadFile(filepath.Join(process, "comm"))
	if err != nil {
		return "process " + id
	}
	return fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), id)
}
