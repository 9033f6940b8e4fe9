package integration

import "os"

// scale returns how often to do a thing: a few times in every test run, and as often as a claim about faults needs with
// OVERSHOOT_FAULTS=full, which `make faults` sets.
func scale(quick, full int) int {
	if os.Getenv("OVERSHOOT_FAULTS") == "full" {
		return full
	}
	return quick
}
