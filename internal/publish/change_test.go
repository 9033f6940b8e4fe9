package publish_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// Sequence parameter sets by x264, and what rooms are told of them.
var (
	small  = unhex("6742c01ed900a02ff970110000030001000003003c0f162e48")
	slower = unhex("6742c01ed900a02ff97011000003000100000300140f162e48") // the same with fewer pictures a second
	large  = unhex("674d401fd9005005bb0110000003001000000303c0f1832480")
	higher = unhex("674d4028d9005005bb0110000003001000000303c0f1832480") // the same at another level
	broken = small[:4]
)

const (
	smallVideo  = "Constrained Baseline, level 3.0, 640x360"
	largeVideo  = "Main, level 3.1, 1280x720"
	higherVideo = "Main, level 4.0, 1280x720"
)

func unhex(text string) []byte {
	raw, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return raw
}

// send makes the camera replace its parameters.
func (p *place) send(sps []byte) {
	p.sps.Store(&sps)
	p.loop.Changed()
	synctest.Wait()
}

// announced is what the newest stay was announced as.
func (p *place) announced() string {
	all := p.sessions()
	return all[len(all)-1].video.String()
}

func TestOtherVideoIsAnnouncedAtOnceInTheSameStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zapcore.InfoLevel)
		p := &place{token: "token 0", log: zap.New(core)}
		run(t, p)
		after(time.Minute)
		if p.announced() != smallVideo || p.part.View().Detail["video"] != smallVideo {
			t.Fatalf("announced %q, shown %v", p.announced(), p.part.View().Detail)
		}
		p.send(large)
		if p.loop.Stay() != 2 || p.announced() != largeVideo || !p.sessions()[0].closed.Load() || p.attached.Load() != 1 {
			t.Fatalf("stay %d, announced as %s, attached %d", p.loop.Stay(), p.announced(), p.attached.Load())
		}
		if p.renewals() > 0 || p.tries()[1].token != "token 0" || p.counter(t, "reconnects_total") != 0 || p.part.View().Error != "" {
			t.Errorf("a change counts as trouble: %d renewals, tries %v, %v reconnects, error %q",
				p.renewals(), p.tries(), p.counter(t, "reconnects_total"), p.part.View().Error)
		}
		want := "the camera's video changed from " + smallVideo + " to " + largeVideo
		if lines := logged.FilterField(zap.String("cause", want)).All(); len(lines) != 1 {
			t.Errorf("logged %v, want once: %s", logged.All(), want)
		}
	})
}

func TestAChangeThatIsNoneForTheRoomIsNotAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, _ := h264.ParseSPS(small)
		if now, err := h264.ParseSPS(slower); err != nil || now.FPS == before.FPS {
			t.Fatalf("no other rate: %v, error %v", now, err)
		}
		p := &place{token: "token 0"}
		run(t, p)
		after(time.Minute)
		p.send(slower)
		after(time.Minute)
		if p.loop.Stay() != 1 {
			t.Errorf("stay %d, announced as %s", p.loop.Stay(), p.announced())
		}
	})
}

func TestALevelIsAChangeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		p.sps.Store(&large)
		run(t, p)
		after(time.Minute)
		p.send(higher)
		if p.announced() != higherVideo {
			t.Errorf("announced as %s", p.announced())
		}
	})
}

func TestAChangeDuringAJoinIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		p.answer = func(_ context.Context, n int) error {
			if n == 1 {
				time.Sleep(time.Second)
				p.sps.Store(&large)
				p.loop.Changed()
			}
			return nil
		}
		run(t, p)
		after(2 * time.Second)
		if p.loop.Stay() != 2 || p.announced() != largeVideo {
			t.Errorf("stay %d, announced as %s", p.loop.Stay(), p.announced())
		}
	})
}

func TestACameraWithTwoKindsOfVideoDoesNotRejoinAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		run(t, p)
		for i := range 3600 {
			after(time.Second)
			p.send([][]byte{large, small}[i%2])
		}
		if n := len(p.tries()); n < 5 || n > 30 {
			t.Errorf("%d joins in an hour of changes each second", n)
		}
		p.send(large)
		after(5 * time.Minute)
		if p.announced() != largeVideo {
			t.Errorf("in the end it is announced as %s", p.announced())
		}
		after(time.Hour)
		p.send(small)
		if p.announced() != smallVideo {
			t.Error("after an hour of peace a change is not followed at once")
		}
	})
}

func TestTheRoomIsNotEnteredBeforeTheCameraHasSaidWhatItSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		start(t, p)
		after(time.Hour)
		if len(p.tries()) > 0 || p.part.View().State != "off" || p.part.View().Detail["waiting_for"] == "" {
			t.Fatalf("tried %v, state %s", p.tries(), p.part.View().State)
		}
		p.sps.Store(&broken)
		after(time.Second)
		if p.loop.Stay() != 1 || p.part.View().Detail["video"] != "something unreadable" {
			t.Errorf("stay %d, shown %v", p.loop.Stay(), p.part.View().Detail)
		}
		p.send(large)
		if p.announced() != largeVideo {
			t.Errorf("announced as %s", p.announced())
		}
	})
}

func TestTheRoomsWishForAKeyFrameIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0"}
		run(t, p)
		after(time.Second)
		for range 3 {
			p.sessions()[0].keys <- struct{}{}
			synctest.Wait()
		}
		if n := p.refreshes.Load(); n != 3 {
			t.Errorf("%d of 3 wishes passed on", n)
		}
	})
}

func TestARoomThatDoesNotTakeTheVideoIsNotStormed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{token: "token 0", answer: func(context.Context, int) error { return publish.ErrCodec }}
		run(t, p)
		after(time.Hour)
		if n := len(p.tries()); n < 120 || n > 400 || p.renewals() > 0 {
			t.Errorf("%d joins and %d renewals in an hour", n, p.renewals())
		}
		if err := p.part.View().Error; err != publish.ErrCodec.Error() || errors.Is(publish.ErrCodec, publish.ErrGrant) {
			t.Errorf("the status shows %q", err)
		}
	})
}
