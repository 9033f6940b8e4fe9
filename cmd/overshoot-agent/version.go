package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the linker for released builds.
var release string

type versionCommand struct{}

func (*versionCommand) Run() error {
	fmt.Printf("overshoot-agent %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// version is the release, or else what the build knows of its commit.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
