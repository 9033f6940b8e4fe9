package rtsp_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
)

// counted is a connection that tells when it is closed.
type counted struct {
	net.Conn
	open *atomic.Int32
}

func (c counted) Close() error { c.open.Add(-1); return nil }

// While a cable is cut nothing answers. A camera is found by the first knock after it is back, and sees one connection in the end.
func TestKnocking(t *testing.T) {
	for back, want := range map[time.Duration]time.Duration{
		0: 0, 500 * time.Millisecond: time.Second, 3500 * time.Millisecond: 4 * time.Second, time.Hour: 20 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var knocks, open atomic.Int32
			dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
				knocks.Add(1)
				if time.Since(start) < back { // lost; the kernel repeats it much later
					select {
					case <-time.After(time.Minute):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				open.Add(1)
				return counted{nil, &open}, nil
			}
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			conn, err := rtsp.Knock(ctx, dial, "tcp", "camera:554")
			if took := time.Since(start); took != want || (conn != nil) == (err != nil) {
				t.Errorf("back after %v: took %v, want %v; %v", back, took, want, err)
			}
			time.Sleep(time.Minute) // for those on the way
			synctest.Wait()
			if err == nil && open.Load() != 1 || err != nil && open.Load() != 0 || knocks.Load() > 10 {
				t.Errorf("back after %v: %d knocks, %d connections are open; %v", back, knocks.Load(), open.Load(), err)
			}
		})
	}
}

// An answer that takes long opens the door to several knocks at once.
func TestLateAnswersAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int32
		dial := func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(3 * time.Second)
			open.Add(1)
			return counted{nil, &open}, nil
		}
		if _, err := rtsp.Knock(t.Context(), dial, "tcp", "camera:554"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if open.Load() != 1 {
			t.Errorf("%d connections are open", open.Load())
		}
	})
}

func TestARefusalIsAnAnswer(t *testing.T) {
	if _, err := rtsp.Knock(t.Context(), (&net.Dialer{}).DialContext, "tcp", deadAddress(t)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}
