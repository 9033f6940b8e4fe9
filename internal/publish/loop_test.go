package publish_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/zap"
)

// session is a stay that the test ends.
type session struct {
	video  h264.Format
	keys   chan struct{}
	lost   chan struct{}
	err    error
	closed atomic.Bool
}

func (s *session) Write(camera.Packet)        {}
func (s *session) KeyFrames() <-chan struct{} { return s.keys }
func (s *session) Lost() <-chan struct{}      { return s.lost }
func (s *session) Err() error                 { return s.err }
func (s *session) Close()                     { s.closed.Store(true) }

func (s *session) end(err error) {
	s.err = err
	close(s.lost)
}

// try is one call of Join.
type try struct {
	at    time.Time
	token string
}

// place is a room whose door the test keeps, the lease of its stream, and the camera.
type place struct {
	answer func(ctx context.Context, try int) error // of Join; nil lets in
	renew  func(n int) string                       // the token that the nth renewal brings; nil: "token n"

	mu        sync.Mutex
	tried     []try
	entered   []*session
	renewed   int
	token     string
	attached  atomic.Int64
	log       *zap.Logger            // of the loop; nil: nobody reads it
	sps       atomic.Pointer[[]byte] // of the camera
	refreshes atomic.Int64

	loop *publish.Loop
	part *status.Part
	reg  *prometheus.Registry
	stop context.CancelFunc
	done chan error
}

func (p *place) Join(ctx context.Context, grant overshoot.Grant, video h264.Format) (publish.Session, error) {
	p.mu.Lock()
	p.tried = append(p.tried, try{time.Now(), grant.Token})
	n := len(p.tried)
	p.mu.Unlock()
	if p.answer != nil {
		if err := p.answer(ctx, n); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &session{video: video, keys: make(chan struct{}, 1), lost: make(chan struct{})}
	p.entered = append(p.entered, s)
	return s, nil
}

func (p *place) Grant() overshoot.Grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	return overshoot.Grant{URL: "ws://room", Token: p.token}
}

func (p *place) Renew(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewed++
	p.token = fmt.Sprint("token ", p.renewed)
	if p.renew != nil {
		p.token = p.renew(p.renewed)
	}
	return nil
}

// tries, sessions and renewals tell what has happened so far.
func (p *place) tries() []try {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tried)
}

func (p *place) sessions() []*session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.entered)
}

func (p *place) renewals() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.renewed
}

func (p *place) attach(func(camera.Packet)) (detach func()) {
	p.attached.Add(1)
	return func() { p.attached.Add(-1) }
}

func (p *place) parameters() camera.Parameters {
	if sps := p.sps.Load(); sps != nil {
		return camera.Parameters{SPS: *sps}
	}
	return camera.Parameters{}
}

// run runs a loop in the background until the test ends. The camera sends 360p, unless the test has told otherwise.
func run(t *testing.T, p *place) {
	p.sps.CompareAndSwap(nil, &small)
	start(t, p)
}

func start(t *testing.T, p *place) {
	p.log = cmp.Or(p.log, zap.NewNop())
	p.reg = prometheus.NewRegistry()
	p.part = status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("front", publish.Kind)
	p.loop = &publish.Loop{
		Publisher: p, Attach: p.attach, Refresh: func() { p.refreshes.Add(1) }, Parameters: p.parameters,
		Part: p.part, Metrics: publish.NewVectors(p.reg).Camera("front"), Log: p.log,
	}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(t.Context())
	p.done = make(chan error, 1)
	go func() { p.done <- p.loop.Run(ctx, p) }()
}

// after lets time pass, until all that is due has happened.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// doubts returns the counter of doubts that rest on evidence.
func (p *place) doubts(t *testing.T, evidence string) float64 {
	t.Helper()
	return p.counter(t, "doubts_total", evidence)
}

// counter returns one of the loop's counters, the one with this value of a label if one is given.
func (p *place) counter(t *testing.T, name string, label ...string) float64 {
	t.Helper()
	families, err := p.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			has := func(l *dto.LabelPair) bool { return len(label) == 0 || l.GetValue() == label[0] }
			if f.GetName() == "overshoot_agent_publish_"+name && slices.ContainsFunc(m.GetLabel(), has) {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no counter %s of %v", name, label)
	return 0
}

func TestAStayThatEndsIsFollowedByOneWithTheNewestGrant(t *testing.T) {
	for name, err := range map[string]error{
		"removed": errors.New("we were removed from the room"), "replaced": publish.ErrReplaced, "unacknowledged": publish.ErrUnacknowledged,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &place{token: "token 0"}
				run(t, p)
				after(time.Minute)
				if p.loop.Stay() != 1 || p.attached.Load() != 1 || p.part.View().State != "live" {
					t.Fatalf("stay %d, attached %d, state %s: want 1, 1, live", p.loop.Stay(), p.attached.Load(), p.part.View().State)
				}
				ended := time.Now()
				p.sessions()[0].end(err)
				synctest.Wait()
				if p.loop.Stay() != 0 || p.attached.Load() != 0 || !p.sessions()[0].closed.Load() || p.part.View().Error != err.Error() {
					t.Fatalf("after the end: stay %d, attached %d, closed %v, error %q", p.loop.Stay(), p.attached.Load(), p.sessions()[0].closed.Load(), p.part.View().Error)
				}
				after(time.Second)
				if len(p.tries()) != 2 || p.tries()[1].at.Sub(ended) > 300*time.Millisecond || p.tries()[1].token != "token 1" || p.loop.Stay() != 2 {
					t.Fatalf("tried %v since %v, stay %d: want one more within 300 ms with the renewed token", p.tries(), ended, p.loop.Stay())
				}
				if name == "unacknowledged" && p.doubts(t, "reports") != 1 {
					t.Error("the doubt was not counted")
				}
			})
		})
	}
}

func TestADoubtEndsTheStayItIsAboutAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		run(t, p)
		after(time.Minute)
		p.loop.Doubt(2, errors.New("nobody is there yet"))
		after(time.Minute)
		p.loop.Doubt(1, errors.New("the service sees nothing"))
		p.loop.Doubt(1, errors.New("said twice"))
		synctest.Wait()
		if got := p.part.View().Error; got != "the service sees nothing" || !p.sessions()[0].closed.Load() {
			t.Fatalf("error %q, closed %v", got, p.sessions()[0].closed.Load())
		}
		after(time.Minute)
		p.loop.Doubt(1, errors.New("too late"))
		after(time.Minute)
		if p.loop.Stay() != 2 || len(p.tries()) != 2 || p.renewals() != 1 {
			t.Fatalf("stay %d after %d tries and %d renewals: want 2, 2, 1", p.loop.Stay(), len(p.tries()), p.renewals())
		}
		if n := p.doubts(t, "pictures"); n != 1 {
			t.Errorf("%v doubts counted, want 1", n)
		}
	})
}

func TestWithoutATokenTheLoopRenewsAndDoesNotJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{renew: func(n int) string { return map[bool]string{true: "token"}[n >= 5] }}
		run(t, p)
		after(30 * time.Second)
		if len(p.tries()) != 1 || p.tries()[0].token != "token" {
			t.Fatalf("joined with %v: want once, with the token of the fifth renewal", p.tries())
		}
		if n, _ := testutil.GatherAndCount(p.reg, "overshoot_agent_publish_reconnects_total"); n != 1 || p.part.View().Error != "" {
			t.Errorf("waiting for a grant is no failure of the publisher, but it shows %q", p.part.View().Error)
		}
	})
}

func TestAServerThatWasAwayIsFoundSoon(t *testing.T) {
	for _, away := range []time.Duration{5 * time.Second, 2 * time.Minute} {
		var waits []time.Duration
		for range 200 {
			synctest.Test(t, func(t *testing.T) {
				back := time.Now().Add(away)
				p := &place{token: "token 0", answer: func(context.Context, int) error {
					if time.Now().Before(back) {
						return errors.New("connection refused")
					}
					return nil
				}}
				run(t, p)
				after(away + 5*time.Second)
				waits = append(waits, p.tries()[len(p.tries())-1].at.Sub(back))
				if most := int(away/(200*time.Millisecond)) + 10; len(p.tries()) > most {
					t.Errorf("%d tries in %v, want %d at most", len(p.tries()), away, most)
				}
				if p.renewals() > 0 {
					t.Errorf("%d renewals, though nobody refused the token", p.renewals())
				}
			})
		}
		slices.Sort(waits)
		if p95 := waits[190]; p95 > 600*time.Millisecond {
			t.Errorf("away for %v: found after %v (p95), want 600 ms", away, p95)
		}
	}
}

func TestCamerasDoNotReturnInStep(t *testing.T) {
	var returns []time.Duration
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			p := &place{token: "token 0"}
			run(t, p)
			after(time.Minute)
			lost := time.Now()
			p.sessions()[0].end(errors.New("the server went away"))
			after(time.Second)
			returns = append(returns, p.tries()[1].at.Sub(lost))
		})
	}
	slices.Sort(returns)
	for i := range 5 { // a fifth of the cameras in a fifth of the time, roughly
		from := time.Duration(i) * 60 * time.Millisecond
		n := 0
		for _, r := range returns {
			if r >= from && r < from+60*time.Millisecond {
				n++
			}
		}
		if n > 45 {
			t.Errorf("%d of 100 cameras returned within 60 ms", n)
		}
	}
}

func TestAServerGoneForHoursIsAskedForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := time.Now().Add(10 * time.Hour)
		p := &place{token: "token 0", answer: func(context.Context, int) error {
			if time.Now().Before(back) {
				return errors.New("connection refused")
			}
			return nil
		}}
		run(t, p)
		after(10 * time.Hour)
		if n := len(p.tries()); n < 2400 || n > 10_000 {
			t.Errorf("%d tries in 10 h: want one every 4 to 15 s", n)
		}
		after(15 * time.Second)
		if p.loop.Stay() != 1 {
			t.Error("not back 15 s after the server")
		}
	})
}

func TestATokenThatIsRefusedIsRenewedWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0", answer: func(_ context.Context, n int) error {
			if n <= 1 {
				return fmt.Errorf("joining: %w", publish.ErrGrant)
			}
			return nil
		}}
		run(t, p)
		after(300 * time.Millisecond)
		if len(p.tries()) != 2 || p.tries()[1].token != "token 1" {
			t.Errorf("tried %v: want again within 300 ms with the renewed token", p.tries())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0", answer: func(context.Context, int) error { return publish.ErrGrant }}
		run(t, p)
		after(time.Hour)
		if n := p.renewals(); n < 150 || n > 400 {
			t.Errorf("%d renewals in an hour of refusals: want one every 9 to 24 s", n)
		}
	})
}

func TestARoomThatThrowsUsOutAtOnceIsNotStormed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		run(t, p)
		for end := time.Now().Add(time.Hour); time.Now().Before(end); after(10 * time.Millisecond) {
			if p.loop.Stay() != 0 {
				p.sessions()[len(p.sessions())-1].end(publish.ErrReplaced)
			}
		}
		if n := len(p.tries()); n > 400 {
			t.Errorf("%d joins in an hour", n)
		}
	})
}

func TestAServerThatIsKilledAgainAndAgainIsFoundSoonEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back time.Time
		p := &place{token: "token 0", answer: func(context.Context, int) error {
			if time.Now().Before(back) {
				return errors.New("connection refused")
			}
			return nil
		}}
		run(t, p)
		after(time.Second)
		for round := range 30 {
			after(3 * time.Second) // much shorter than what settles a stay
			back = time.Now().Add(5 * time.Second)
			p.sessions()[len(p.sessions())-1].end(publish.ErrBroken)
			after(5700 * time.Millisecond)
			if p.loop.Stay() == 0 {
				t.Fatalf("round %d: not back 700 ms after the server", round)
			}
		}
	})
}

func TestAServerThatDropsEachConnectionAtOnceIsNotStormed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		run(t, p)
		for end := time.Now().Add(time.Hour); time.Now().Before(end); after(10 * time.Millisecond) {
			if p.loop.Stay() != 0 {
				p.sessions()[len(p.sessions())-1].end(publish.ErrBroken)
			}
		}
		if n := len(p.tries()); n > 400 {
			t.Errorf("%d joins in an hour", n)
		}
	})
}

func TestAfterAStayThatSettledThePausesStartSmallAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0", answer: func(_ context.Context, n int) error {
			if n <= 200 {
				return publish.ErrGrant
			}
			return nil
		}}
		run(t, p)
		after(2 * time.Hour)
		if p.loop.Stay() != 1 {
			t.Fatal("not in the room")
		}
		lost := time.Now()
		p.sessions()[0].end(errors.New("removed"))
		after(300 * time.Millisecond)
		if p.loop.Stay() != 2 {
			t.Errorf("not back %v after a stay of an hour", time.Since(lost))
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	states := map[string]func(context.Context, int) error{
		"in the room":    nil,
		"joining":        func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() },
		"between joins":  func(context.Context, int) error { return errors.New("refused") },
		"renewing first": nil,
		"dark":           nil,
	}
	for name, answer := range states {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &place{token: "token 0", answer: answer}
				if name == "renewing first" {
					p.token, p.renew = "", func(int) string { return "" }
				}
				if name != "dark" {
					p.sps.Store(&small)
				}
				start(t, p)
				after(time.Minute)
				p.stop()
				synctest.Wait()
				select {
				case err := <-p.done:
					if err != nil {
						t.Errorf("ended with %v", err)
					}
				default:
					t.Fatal("still running")
				}
				if p.loop.Stay() != 0 || p.attached.Load() != 0 || p.part.View().State != "off" {
					t.Errorf("stay %d, attached %d, state %s", p.loop.Stay(), p.attached.Load(), p.part.View().State)
				}
				for _, s := range p.sessions() {
					if !s.closed.Load() {
						t.Error("a session was left open")
					}
				}
			})
		})
	}
}

func TestAPanicEndsRunAndLeavesTheRoom(t *testing.T) {
	t.Run("in Join", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &place{token: "token 0", answer: func(context.Context, int) error { panic("the door fell in") }}
			run(t, p)
			synctest.Wait()
			wantPanic(t, p, "the door fell in")
		})
	})
	t.Run("in a session", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &place{token: "token 0"}
			run(t, p)
			synctest.Wait()
			p.sessions()[0].end(&guard.Panic{Value: "the roof came down"})
			synctest.Wait()
			wantPanic(t, p, "the roof came down")
			if !p.sessions()[0].closed.Load() || p.attached.Load() != 0 {
				t.Error("the room was not left")
			}
		})
	})
}

func wantPanic(t *testing.T, p *place, value string) {
	t.Helper()
	select {
	case err := <-p.done:
		if caught, ok := errors.AsType[*guard.Panic](err); !ok || caught.Value != value {
			t.Errorf("ended with %v, want the panic %q", err, value)
		}
	default:
		t.Error("still running")
	}
}
