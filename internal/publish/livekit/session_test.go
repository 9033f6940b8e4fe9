package livekit

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	protocol "github.com/livekit/protocol/livekit"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/pion/rtcp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func newTestSession(t *testing.T) *session {
	t.Helper()
	s, err := newSession(newPublisher().Metrics, h264.Format{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// report is what a room sends that received packets up to highest.
func report(source, highest uint32) rtcp.Packet {
	return &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: source, LastSequenceNumber: highest}}}
}

// lost tells why the stay ended; nil: it lasts.
func lost(s *session) error {
	select {
	case <-s.Lost():
		return s.Err()
	default:
		return nil
	}
}

// write sends packets for d, at a rate per second, and hears a report that tells of something new after every acknowledge of them; 0: never.
func write(s *session, d time.Duration, rate, acknowledge int) {
	for i := range int(d.Seconds() * float64(rate)) {
		s.Write(camera.Packet{Payload: []byte{0x41, 0x9a}})
		if acknowledge > 0 && i%acknowledge == 0 {
			s.onRTCP(report(1, uint32(s.packet.SequenceNumber)))
		}
		time.Sleep(time.Second / time.Duration(rate))
	}
}

func TestAStayEndsWhenTheRoomNoLongerAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSession(t)
		write(s, time.Hour, 30, 30)
		write(s, 9*time.Second, 30, 0)
		if err := lost(s); err != nil {
			t.Fatalf("ended with %v after 9 s without a report", err)
		}
		write(s, 2*time.Second, 30, 0)
		if err := lost(s); !errors.Is(err, publish.ErrUnacknowledged) {
			t.Errorf("ended with %v after 11 s without a report", err)
		}
	})
}

func TestReportsThatTellNothingNewAreNoAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSession(t)
		for range 12 {
			write(s, time.Second, 30, 0)
			s.onRTCP(report(1, 7))
		}
		if err := lost(s); !errors.Is(err, publish.ErrUnacknowledged) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestAStayIsNotJudgedByReports(t *testing.T) {
	cases := map[string]func(s *session){
		"of a room that never sent one": func(s *session) { write(s, time.Hour, 30, 0) },
		"while the camera sends nothing": func(s *session) {
			write(s, time.Minute, 30, 30)
			time.Sleep(time.Hour)
			write(s, 2*time.Second, 30, 0)
		},
		"that start again from a new source": func(s *session) {
			for source := range uint32(100) {
				write(s, time.Second, 30, 0)
				s.onRTCP(report(source, 7))
			}
		},
		"that come at each wrap of the numbers": func(s *session) {
			s.onRTCP(report(1, math.MaxUint32))
			write(s, 9*time.Second, 30, 0)
			s.onRTCP(report(1, 0))
			write(s, 9*time.Second, 30, 0)
		},
	}
	for name, play := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSession(t)
				if play(s); lost(s) != nil {
					t.Errorf("ended with %v", lost(s))
				}
			})
		})
	}
}

func TestACameraWithAPictureNowAndThenIsJudgedByWhatItSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSession(t)
		s.onRTCP(report(1, 1))
		for range 10 {
			write(s, time.Second, 1, 0)
			time.Sleep(4 * time.Second)
		}
		if err := lost(s); err != nil {
			t.Fatalf("ended with %v after ten packets", err)
		}
		write(s, 2*time.Second, 1, 0)
		if err := lost(s); !errors.Is(err, publish.ErrUnacknowledged) {
			t.Errorf("ended with %v after twelve packets in a minute", err)
		}
	})
}

func TestABrokenConnectionMayBeMendedForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSession(t)
		s.onReconnecting()
		time.Sleep(mendGrace - time.Millisecond)
		s.onReconnected()
		time.Sleep(time.Hour)
		if err := lost(s); err != nil {
			t.Fatalf("ended with %v, though it was mended in time", err)
		}
		s.onReconnecting()
		time.Sleep(mendGrace + time.Millisecond)
		synctest.Wait()
		if lost(s) == nil {
			t.Error("still waiting for the SDK to mend it")
		}
	})
}

func TestTheRoomsReasonIsTold(t *testing.T) {
	s := newTestSession(t)
	s.onDisconnected(protocol.DisconnectReason_DUPLICATE_IDENTITY)
	s.onDisconnected(protocol.DisconnectReason_ROOM_DELETED)
	if err := lost(s); !errors.Is(err, publish.ErrReplaced) {
		t.Errorf("ended with %v, want the first reason", err)
	}
	if got := ended(protocol.DisconnectReason_USER_REJECTED).Error(); got != "the room ended our stay: user rejected" {
		t.Errorf("an unusual reason reads %q", got)
	}
}

func TestAfterCloseTheRoomIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSession(t)
		s.onReconnecting()
		s.Close()
		s.Close()
		s.onReconnecting()
		s.onDisconnected(protocol.DisconnectReason_SIGNAL_CLOSE)
		time.Sleep(time.Minute)
		if err := lost(s); err != nil {
			t.Errorf("lost with %v", err)
		}
	})
}

func TestTheRoomsWishForAKeyFrameHoldsNobodyUpAndIsNotLost(t *testing.T) {
	s := newTestSession(t)
	for range 5 {
		s.onRTCP(&rtcp.PictureLossIndication{})
		s.onRTCP(&rtcp.FullIntraRequest{})
	}
	select {
	case <-s.KeyFrames():
	default:
		t.Fatal("the wish is lost")
	}
	select {
	case <-s.KeyFrames():
		t.Error("one key frame fulfils all wishes of before")
	default:
	}
	s.onRTCP(&rtcp.PictureLossIndication{})
	select {
	case <-s.KeyFrames():
	default:
		t.Error("the next wish is lost")
	}
	if n := testutil.ToFloat64(s.metrics.Keys); n != 11 {
		t.Errorf("counted %v of 11 wishes", n)
	}
}

func TestAPanicInWhatTheRoomCallsEndsTheStay(t *testing.T) {
	s := newTestSession(t)
	s.metrics = &publish.Metrics{} // has no gauge for the loss
	s.onRTCP(report(1, 1))
	if _, ok := errors.AsType[*guard.Panic](lost(s)); !ok {
		t.Errorf("ended with %v, want a panic", lost(s))
	}
}
