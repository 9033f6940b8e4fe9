package camera_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

func fails(reason camera.Reason) error { return &camera.Fault{Reason: reason, Err: errors.New("no")} }

// Some cameras drop their connection all the time, or stall; nobody should see more of it than they cause.
func TestACameraThatWorkedIsOpenedAgainAtOnce(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context) error{
		"hangs up":   func(context.Context) error { return nil },
		"is cut off": func(context.Context) error { return fails(camera.Closed) },
		"breaks":     func(context.Context) error { return errors.New("broken") },
		"stalls":     func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended []time.Time
				s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
					deliver(ctx, r, 10*time.Second)
					err := end(ctx)
					ended = append(ended, time.Now())
					return err
				}}
				_, stop := start(t, s)
				time.Sleep(5 * time.Minute)
				stop()
				starts := s.starts()
				if len(starts) < 20 {
					t.Fatalf("%d sessions in 5 minutes", len(starts))
				}
				for i, again := range starts[1:] {
					if gap := again.Sub(ended[i]); gap > 20*time.Millisecond {
						t.Errorf("opened again %v after its end", gap)
					}
				}
			})
		})
	}
}

func TestACameraThatDropsAtOnceIsNotHammered(t *testing.T) {
	for name, d := range map[string]time.Duration{"with no picture": 0, "with one": 50 * time.Millisecond, "with some": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
					deliver(ctx, r, d)
					return nil
				}}
				_, stop := start(t, s)
				time.Sleep(time.Hour)
				stop()
				if n := len(s.starts()); n < 60 || n > 250 {
					t.Errorf("%d attempts in an hour", n)
				}
			})
		})
	}
}

// A second of pictures and then silence is no camera that works either.
func TestACameraThatStallsAtOnceIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
			deliver(ctx, r, time.Second)
			<-ctx.Done()
			return ctx.Err()
		}}
		_, stop := start(t, s)
		time.Sleep(time.Hour)
		stop()
		if n := len(s.starts()); n < 60 || n > 250 {
			t.Errorf("%d attempts in an hour", n)
		}
	})
}

// While it reboots, or its cable is out, a camera that worked is expected back: it is found within a second.
func TestACameraThatWorkedIsLookedFor(t *testing.T) {
	for _, reason := range []camera.Reason{camera.Unreachable, camera.Protocol, camera.NotFound, camera.Closed} {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{play: func(ctx context.Context, r camera.Receiver, attempt int) error {
					if attempt == 1 {
						deliver(ctx, r, 10*time.Second)
					}
					return fails(reason)
				}}
				_, stop := start(t, s)
				time.Sleep(5 * time.Minute)
				starts := s.starts()
				for i, again := range starts[2:] {
					if pause := again.Sub(starts[i+1]); pause > time.Second || pause < 100*time.Millisecond {
						t.Errorf("attempt %d after %v", i+3, pause)
					}
				}
				time.Sleep(time.Hour)
				before := len(s.starts())
				time.Sleep(time.Hour)
				if n := len(s.starts()) - before; n > 250 {
					t.Errorf("%d attempts in an hour, long after it last worked", n)
				}
				stop()
			})
		})
	}
}

// A camera that is busy is mostly busy with the session that we lost; a wrong password may lock the account, even if it was right before.
func TestWhatIsNotTriedQuickly(t *testing.T) {
	for reason, least := range map[camera.Reason]time.Duration{camera.Busy: 5 * time.Second, camera.Auth: 30 * time.Second} {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{play: func(ctx context.Context, r camera.Receiver, attempt int) error {
					if attempt == 1 {
						deliver(ctx, r, 10*time.Second)
						return nil
					}
					return fails(reason)
				}}
				_, stop := start(t, s)
				time.Sleep(time.Hour)
				stop()
				starts := s.starts()
				for i, again := range starts[2:] {
					if pause := again.Sub(starts[i+1]); pause < least {
						t.Errorf("attempt %d after %v", i+3, pause)
					}
				}
				if len(starts) < 5 {
					t.Errorf("%d attempts in an hour", len(starts))
				}
			})
		})
	}
}

// A camera whose video is refused since somebody changed its settings answers each time, and is not made to send video twice a second.
func TestACameraWithOtherVideoThanBeforeIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, attempt int) error {
			if attempt == 1 {
				deliver(ctx, r, 10*time.Second)
			}
			return fails(camera.WrongCodec)
		}}
		_, stop := start(t, s)
		time.Sleep(time.Hour)
		stop()
		if n := len(s.starts()); n < 10 || n > 80 {
			t.Errorf("%d attempts in an hour", n)
		}
	})
}

// Once it works again, the pauses start small again.
func TestPausesStartAnewAfterSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, attempt int) error {
			switch {
			case attempt < 10:
				return fails(camera.Busy)
			case attempt == 10:
				deliver(ctx, r, 4*time.Second)
				return nil
			}
			return fails(camera.Busy)
		}}
		_, stop := start(t, s)
		for len(s.starts()) < 12 {
			time.Sleep(time.Second)
		}
		stop()
		starts := s.starts()
		if pause := starts[11].Sub(starts[10]); pause > 15*time.Second {
			t.Errorf("after it worked, a busy camera was asked again after %v", pause)
		}
	})
}
