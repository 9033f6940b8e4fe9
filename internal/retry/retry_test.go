package retry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPausesDoubleWithJitterUpToTheLongest(t *testing.T) {
	p := NewPause(time.Second, 8*time.Second)
	for i, middle := range []time.Duration{1, 2, 4, 8, 8, 8} {
		middle *= time.Second
		if got := p.Next(); got < middle/2 || got > middle*3/2 {
			t.Errorf("pause %d: got %v, want %v ± half", i, got, middle)
		}
	}
	p.Reset()
	if got := p.Next(); got > 1500*time.Millisecond {
		t.Errorf("after Reset: got %v, want about 1s", got)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		if Sleep(ctx, time.Minute) {
			t.Error("Sleep reported success after its context ended")
		}
		if got := time.Since(start); got != 3*time.Second {
			t.Errorf("slept %v, want 3s", got)
		}
		if !Sleep(t.Context(), time.Second) {
			t.Error("Sleep reported an early end")
		}
	})
}
