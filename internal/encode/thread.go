package encode

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A ThreadClock counts the processor time of a goroutine, which has a thread to itself as long as it runs. What libraries of C use on that thread
// counts as well; what they use on threads of their own does not.
type ThreadClock struct {
	mu    sync.Mutex
	clock int32         // of the thread; 0: it does not run
	begun time.Duration // what the thread had used before
	total time.Duration // valid when it does not run
}

// Start begins to count the calling goroutine, which calls stop in the end.
func (c *ThreadClock) Start() (stop func()) {
	runtime.LockOSThread()
	c.mu.Lock()
	defer c.mu.Unlock()
	// The clock of one thread, by its id (include/linux/posix-timers.h): any other may read it.
	c.clock = ^int32(unix.Gettid())<<3 | 6
	c.begun = read(c.clock)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.total, c.clock = read(c.clock)-c.begun, 0
		runtime.UnlockOSThread()
	}
}

// Used is what it used so far. Any goroutine may call it.
func (c *ThreadClock) Used() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clock == 0 {
		return c.total
	}
	return read(c.clock) - c.begun
}

func read(clock int32) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(clock, &now); err != nil {
		return 0 // the thread of a goroutine that counts is there
	}
	return time.Duration(now.Nano())
}
