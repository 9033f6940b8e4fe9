package snapshot

import (
	"context"
	"errors"
	"sync"
	"syscall"

	"go.uber.org/zap"
)

// The reasons why a result goes without a picture.
const (
	noKeyFrame   = "key_frame"
	ffmpegFailed = "ffmpeg"
	diskFailed   = "disk"
	diskFull     = "disk_full"
	diskSlow     = "disk_slow"
	stopped      = "stopped" // the agent, the stream or the camera ended just then
)

var reasons = []string{noKeyFrame, ffmpegFailed, diskFailed, diskFull, diskSlow, stopped}

// A failure is an error with its reason.
type failure struct {
	reason string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// errSlow is the cause with which we give up.
var errSlow = errors.New("it took too long")

// broken is the failure of what ctx has broken off; slow is its reason unless somebody wanted us to stop.
func broken(ctx context.Context, slow string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, errSlow) {
		return &failure{slow, cause}
	}
	return &failure{stopped, cause}
}

func reasonOf(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return diskFull
	}
	return diskFailed
}

// A mood is what was told last about something that works or does not. It is told once when it changes.
type mood struct {
	log       *zap.Logger
	bad, good string // what is told

	mu     sync.Mutex
	reason string // "": all is well
	times  int    // for this reason and those directly before it
}

func (m *mood) worse(reason, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times++; reason == m.reason {
		return
	}
	m.reason = reason
	m.log.Warn(m.bad, zap.String("reason", reason), zap.String("error", why))
}

func (m *mood) well() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reason == "" {
		return
	}
	m.log.Info(m.good, zap.Int("missed", m.times))
	m.reason, m.times = "", 0
}
