package wake

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Clock counts how long the machine has been up, its sleep included. No setting of the date moves it.
type Clock struct {
	// Boot names the boot that Uptime counts from: two readings can be compared when their boots have the same name. It is "" when the
	// boot cannot be told from others; then readings of two processes cannot be compared.
	Boot   string
	Uptime func() time.Duration
}

// SystemClock returns the clock of this machine.
func SystemClock() Clock {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // sandboxes may hide it
	return Clock{Boot: strings.TrimSpace(string(id)), Uptime: uptime}
}

// uptime reads CLOCK_BOOTTIME, which goes on while the machine sleeps; the clock behind time.Now does not.
func uptime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic("wake: this kernel has no CLOCK_BOOTTIME: " + err.Error()) // older than 2.6.39
	}
	return time.Duration(now.Nano())
}
