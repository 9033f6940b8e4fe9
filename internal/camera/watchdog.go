package camera

import (
	"context"
	"fmt"
	"time"
)

// A Video can tell how the pictures come. All its methods may be called by any goroutine.
type Video interface {
	PictureAge() time.Duration // since the last complete picture
	KeyAge() time.Duration     // since the last key frame
	KeyGap() time.Duration     // the largest time between two key frames that this camera was seen to take, 0 before it is known; it only grows
}

const (
	// lookEvery is how often the watchdog looks before there are pictures. Then it sleeps until something may be overdue.
	lookEvery = 50 * time.Millisecond

	// firstKeyGap is how long a camera may go without a key frame of which it is not known how often it sends one. With what they call
	// smart coding, cameras do that every few minutes, and a camera closed too early never shows how long it takes.
	firstKeyGap = 5 * time.Minute
)

// watch is the watchdog: it returns when ctx ends, or with a fault when pictures stop. It judges by complete pictures: bytes are not video,
// and a camera that hangs often keeps its connection open. delivered is for how long pictures came.
func (l *Loop) watch(ctx context.Context, s *session) (delivered time.Duration, fault error) {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	var since time.Time
	for fault == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
			var live bool
			var wait time.Duration
			live, wait, fault = l.judge(s)
			if live && since.IsZero() {
				since = time.Now()
				l.Part.Set("live", nil)
				l.Part.Well()
			}
			timer.Reset(wait)
		}
	}
	if since.IsZero() {
		return 0, fault
	}
	return max(time.Since(since)-l.Video.PictureAge(), 0), fault
}

// judge tells whether pictures come, and when to look again; or that something is overdue.
func (l *Loop) judge(s *session) (live bool, wait time.Duration, fault error) {
	begun := s.begun.Load()
	if begun == nil {
		return false, lookEvery, nil // the source bounds its own connecting
	}
	elapsed := time.Since(*begun) // before the ages are asked: the other order takes the time between for a picture
	age := l.Video.PictureAge()
	if live = age < elapsed; !live {
		age = elapsed
	}
	if age > l.StallAfter {
		return false, 0, l.stalled(fmt.Errorf("%s is connected, but no complete picture came for %v", l.Source, l.StallAfter))
	}
	if !live {
		return false, lookEvery, nil
	}
	patience := l.keyPatience()
	keyless := min(l.Video.KeyAge(), elapsed) - age // up to the last picture: when none come any more, that is the matter
	if keyless > patience {
		return true, 0, l.stalled(fmt.Errorf("%s sends pictures, but no key frame came for %v", l.Source, patience))
	}
	return true, max(min(l.StallAfter-age, patience-keyless), time.Millisecond), nil
}

// keyPatience is how long a camera may go without a key frame while pictures come: as long as without pictures, but always twice what it was
// seen to take. That is only ever raised, so that a camera whose key frames are minutes apart is not opened again for ever.
func (l *Loop) keyPatience() time.Duration {
	gap := l.Video.KeyGap()
	if gap == 0 {
		return max(l.StallAfter, firstKeyGap)
	}
	return max(l.StallAfter, 2*gap)
}

func (l *Loop) stalled(err error) *Fault {
	return &Fault{Reason: Stalled, Err: err, Advice: "opening it again; if this happens often, look at the camera's power, network and load"}
}
