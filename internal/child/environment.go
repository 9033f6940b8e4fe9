package child

import (
	"os"
	"slices"
)

// Environment lets through what programs and drivers need of our own, and what is named besides. The rest, where secrets may stand, is no
// business of programs that work on strangers' video.
func Environment(besides ...string) []string {
	known := append([]string{
		"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES",
	}, besides...)
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return !slices.ContainsFunc(known, func(name string) bool { return len(entry) > len(name) && entry[:len(name)+1] == name+"=" })
	})
}
