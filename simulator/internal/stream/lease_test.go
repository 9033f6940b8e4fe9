package stream_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/ovs"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream/streamtest"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

var key = account.Key{Name: "main", User: "alice"}

type bench struct {
	media    *streamtest.Media
	switches *switches.Set
	registry *stream.Registry
}

func newBench(t *testing.T, set map[string]string) bench {
	t.Helper()
	b := bench{media: &streamtest.Media{}, switches: switches.New()}
	if err := b.switches.SetAll(set); err != nil {
		t.Fatal(err)
	}
	b.registry = stream.NewRegistry(b.media, b.switches, zaptest.NewLogger(t))
	t.Cleanup(b.registry.Close)
	return b
}

func (b bench) create(t *testing.T) *stream.Stream {
	t.Helper()
	s, err := b.registry.Create(key, "us-central1", stream.SourceLiveKit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An hour of keepalives every 299 s, then silence: the stream ends 300 s after the last one, and not a millisecond before.
func TestLeaseLastsFromTheLastRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		s := b.create(t)
		for range 12 {
			time.Sleep(299 * time.Second)
			if renewed, ok := s.Renew(); !ok || time.Until(renewed.Deadline) != 300*time.Second {
				t.Fatalf("renewed: %v, %v left", ok, time.Until(renewed.Deadline))
			}
		}
		time.Sleep(300*time.Second - time.Millisecond)
		if s.Snapshot().Ended {
			t.Fatal("ended too early")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		snapshot := s.Snapshot()
		if !snapshot.Ended || snapshot.EndReason != "expired" {
			t.Fatalf("not ended: %+v", snapshot)
		}
		if _, ok := s.Renew(); ok {
			t.Error("an ended stream was renewed")
		}
		if b.media.Opened(s.ID) || b.media.Deleted(s.ID) != 1 || b.media.Voided(s.ID) != 1 {
			t.Error("its room is still there")
		}
	})
}

func TestEndedStreamIsForgottenAfterItsTombstone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		s := b.create(t)
		b.media.Push(s.ID, 7, 1)
		if !s.End(stream.ReasonDeleted) || s.End(stream.ReasonDeleted) {
			t.Error("a stream ends once")
		}
		time.Sleep(60*time.Second - time.Millisecond)
		if found, ok := b.registry.Find(s.ID); !ok || found.Snapshot().Frames.LastIndex != 0 || found.Snapshot().Frames.Newest.Reading.Counter != 7 {
			t.Error("the tombstone does not tell the last counters")
		}
		if _, ok, _ := s.Image(ovs.Image{At: ovs.Anchor{Kind: ovs.Index, Value: -1}}); ok {
			t.Error("frames of an ended stream can be had")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if _, ok := b.registry.Find(s.ID); ok {
			t.Error("the tombstone stays for ever")
		}
	})
}

func TestOnlyKeepaliveRenewsUnlessSwitched(t *testing.T) {
	for value, ended := range map[string]bool{"off": true, "on": false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, map[string]string{switches.ActivityRenewsLease: value})
			s := b.create(t)
			for range 4 {
				time.Sleep(100 * time.Second)
				if b.media.Opened(s.ID) {
					b.media.Push(s.ID, 1, 1)
				}
			}
			if s.Snapshot().Ended != ended {
				t.Errorf("activity_renews_lease=%s: ended is %v", value, !ended)
			}
		})
	}
}

func TestNeverMoreStreamsThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, map[string]string{switches.MaxStreamsPerKey: "2"})
		first := b.create(t)
		b.create(t)
		if _, err := b.registry.Create(key, "us-central1", stream.SourceLiveKit); !errors.Is(err, stream.ErrFull) {
			t.Errorf("a third stream: %v", err)
		}
		other := account.Key{Name: "other", User: "alice", MaxStreams: 1}
		if _, err := b.registry.Create(other, "us-central1", stream.SourceLiveKit); err != nil {
			t.Errorf("another key: %v", err)
		}
		if _, err := b.registry.Create(other, "us-central1", stream.SourceLiveKit); !errors.Is(err, stream.ErrFull) {
			t.Errorf("its own limit: %v", err)
		}
		first.End(stream.ReasonDeleted)
		b.create(t)
		if b.registry.MostSeen("main") != 2 || b.registry.MostSeen("other") != 1 {
			t.Errorf("most seen: %d and %d", b.registry.MostSeen("main"), b.registry.MostSeen("other"))
		}
	})
}

func TestPublisherLeaving(t *testing.T) {
	for value, ended := range map[string]bool{"stays-active": false, "ends-stream": true} {
		b := newBench(t, map[string]string{switches.PublisherLeave: value})
		s := b.create(t)
		b.media.Publisher(s.ID, true)
		if !s.Snapshot().Publisher {
			t.Error("the publisher is not seen")
		}
		b.media.Publisher(s.ID, false)
		if s.Snapshot().Ended != ended {
			t.Errorf("publisher_leave=%s: ended is %v", value, !ended)
		}
	}
}

func TestCreateFailsWithoutMediaAndHoldsNoSlot(t *testing.T) {
	b := newBench(t, map[string]string{switches.MaxStreamsPerKey: "1"})
	b.media.SetDown(true)
	if _, err := b.registry.Create(key, "us-central1", stream.SourceLiveKit); err == nil || errors.Is(err, stream.ErrFull) {
		t.Errorf("got %v", err)
	}
	b.media.SetDown(false)
	b.create(t)
}

func TestLostPicturesAreCountedByTheirCounters(t *testing.T) {
	b := newBench(t, nil)
	s := b.create(t)
	for _, counter := range []int{597, 598, 599, 0, 1, 4, 5, 2, 3, -1, 9} { // 2 and 3 missing, then sent again
		b.media.Push(s.ID, counter, 1)
	}
	if got := s.Snapshot().Lost; got != 2 {
		t.Errorf("%d pictures lost, want 2", got)
	}
}

func TestEndReasonWords(t *testing.T) {
	for value, want := range map[string]string{"documented": "expired", "reaped": "reaped", "unknown-word": "recycled"} {
		b := newBench(t, map[string]string{switches.EndReason: value})
		s := b.create(t)
		s.Expire()
		if got := s.Snapshot().EndReason; got != want {
			t.Errorf("end_reason=%s: got %s", value, got)
		}
	}
}
