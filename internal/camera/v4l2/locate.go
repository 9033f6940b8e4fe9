package v4l2

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"time"

	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

const (
	// lookEvery is how often a device is looked for that is not there. Containers get no news of devices, and links come a moment after the news,
	// so looking is what works everywhere; it takes some hundred microseconds.
	lookEvery = 500 * time.Millisecond

	// mourning is how long a number is kept for the camera that had it. After that another one that has it now is taken for its replacement.
	mourning = time.Minute
)

// A place is where a camera is looked for. Links below /dev/v4l are followed anew each time, by the kernel. A number may belong to another
// camera the next time: so it is remembered who was there. All methods may be called by any goroutine.
type place struct {
	device string // as configured
	tree   tree
	news   func(context.Context) <-chan struct{} // gives a value when looking may be worth it, until the context ends; may be nil

	mu    sync.Mutex
	known identity  // who was there when it was last opened; zero before, and for links
	since time.Time // when somebody else was first seen there; zero when nobody was
}

// locate returns the device to open now; the error says why there is none.
func (p *place) locate() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == (identity{}) {
		return p.named()
	}
	here := p.tree.present(p.device)
	now, told := p.tree.identify(p.device)
	if here && (!told || now.is(p.known)) {
		p.since = time.Time{}
		return p.device, nil
	}
	if moved := p.tree.find(p.known); moved != "" {
		p.since = time.Time{}
		return moved, nil
	}
	if !here {
		p.since = time.Time{}
		return "", p.missing()
	}
	return p.replaced(now)
}

// named returns the device that has the name. The links of udev are also understood where it makes none, as in containers.
func (p *place) named() (string, error) {
	path, err := kernel.Resolve(p.device)
	if err != nil || !p.tree.present(path) {
		return "", p.missing()
	}
	return path, nil
}

// replaced decides about a number that another camera has now.
func (p *place) replaced(now identity) (string, error) {
	if p.since.IsZero() {
		p.since = time.Now()
	}
	if time.Since(p.since) >= mourning {
		p.known, p.since = identity{}, time.Time{}
		return p.device, nil
	}
	return "", &strangerError{device: p.device, known: p.known, now: now}
}

func (p *place) missing() error { return fmt.Errorf("%s is not there: %w", p.device, fs.ErrNotExist) }

// A strangerError says that another camera has a number now.
type strangerError struct {
	device     string
	known, now identity
}

func (e *strangerError) Error() string {
	return fmt.Sprintf("%s is %s now, and %s is not there", e.device, e.now, e.known)
}

// Unwrap makes it a camera that is not there.
func (e *strangerError) Unwrap() error { return fs.ErrNotExist }

// remember notes who is behind a device that was opened.
func (p *place) remember(path string) {
	if !p.tree.numbered(p.device) {
		return
	}
	id, ok := p.tree.identify(path)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		p.known = id
	}
}

// await blocks until the device is there or ctx ends.
func (p *place) await(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var news <-chan struct{}
	if p.news != nil {
		news = p.news(ctx)
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if _, err := p.locate(); err == nil {
			return
		}
		select {
		case <-news:
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// plugged tells, until ctx ends, when the kernel has news of video devices; nothing where it tells us none, as in containers.
func plugged(ctx context.Context) <-chan struct{} {
	m, err := kernel.NewMonitor()
	if err != nil {
		return nil
	}
	news := make(chan struct{}, 1)
	go func() {
		defer func() { _ = m.Close() }() // nobody writes to it
		for {
			if _, err := m.Next(ctx); err != nil {
				return
			}
			select {
			case news <- struct{}{}:
			default:
			}
		}
	}()
	return news
}
