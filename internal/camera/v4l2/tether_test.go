package v4l2

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

func TestWorkThatEndsIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tether tether
		v, failed := &kept{}, errors.New("failed")
		err := tether.run(t.Context(), v, func(r camera.Receiver) error {
			r.Begin(camera.Format{Codec: camera.MJPEG})
			time.Sleep(time.Hour)
			r.Packet(camera.Packet{Payload: []byte{1}})
			return failed
		})
		if err != failed || len(v.formats) != 1 || len(v.packets) != 1 {
			t.Errorf("%v, %d formats, %d packets", err, len(v.formats), len(v.packets))
		}
		if err := tether.run(t.Context(), v, func(camera.Receiver) error { panic("a mistake") }); !guard.Panicked(err) {
			t.Errorf("a panic is %v", err)
		}
	})
}

// hang runs work that does not come back before it is told to, whatever its context says, and then delivers.
func hang(t *testing.T, tether *tether, v *kept) (release func()) {
	t.Helper()
	released, over := make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	since := time.Now()
	err := tether.run(ctx, v, func(r camera.Receiver) error {
		defer close(over)
		r.Packet(camera.Packet{Payload: []byte{1}})
		<-released
		r.Begin(camera.Format{})
		r.Packet(camera.Packet{Payload: []byte{2}})
		return nil
	})
	if took := time.Since(since); err == nil || took != time.Second+farewell {
		t.Errorf("left after %v: %v", took, err)
	}
	return func() {
		close(released)
		<-over
		synctest.Wait()
	}
}

func TestWhoHangsIsLeftBehindAndSilenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tether tether
		v := &kept{}
		release := hang(t, &tether, v)
		release()
		if len(v.packets) != 1 || len(v.formats) != 0 {
			t.Errorf("%d packets and %d formats got through", len(v.packets), len(v.formats))
		}
		if err := tether.run(t.Context(), v, func(camera.Receiver) error { return nil }); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

// The watchdog begins to look when a camera says that pictures come. Before that only we can tell.
func TestADriverThatHangsBeforeItBeginsIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tether tether
		released := make(chan struct{})
		since := time.Now()
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		err := tether.run(ctx, &kept{}, func(camera.Receiver) error { <-released; return nil })
		if took := time.Since(since); camera.ReasonOf(err) != camera.Stalled || took > time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
		if err := tether.run(ctx, &kept{}, func(camera.Receiver) error { return nil }); camera.ReasonOf(err) != camera.Stalled {
			t.Errorf("the next attempt: %v", err)
		}
		close(released)
		if err := tether.run(ctx, &kept{}, func(camera.Receiver) error { return nil }); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

func TestADriverThatStillHangsIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tether tether
		v := &kept{}
		release := hang(t, &tether, v)
		never := func(camera.Receiver) error {
			t.Error("the device was opened")
			return nil
		}
		since := time.Now()
		err := tether.run(t.Context(), v, never)
		if camera.ReasonOf(err) != camera.Stalled || time.Since(since) != untangled {
			t.Errorf("after %v: %v", time.Since(since), err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		since = time.Now()
		if err := tether.run(ctx, v, never); err == nil || time.Since(since) != 0 {
			t.Errorf("when it is stopped: %v after %v", err, time.Since(since))
		}
		release()
		if err := tether.run(t.Context(), v, func(camera.Receiver) error { return nil }); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}
