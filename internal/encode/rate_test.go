package encode

import "testing"

// shoot counts so many pictures at a rate, and returns how often the encoder would begin anew.
func shoot(r *Rate, ticks *int64, pictures int, rate int64) (news int) {
	for range pictures {
		*ticks += Hertz / rate
		if r.Wrong(*ticks) {
			news++
		}
	}
	return news
}

func TestTheRateIsMeasured(t *testing.T) {
	for name, tc := range map[string]struct {
		rate     int64
		pictures int // until it is known
	}{"as assumed": {30, 0}, "a bit slower": {25, 0}, "faster": {60, rateWindow + 1}, "slower": {10, rateWindow + 1}} {
		r, ticks := NewRate(), int64(1<<33)
		news := shoot(&r, &ticks, tc.pictures, tc.rate)
		if tc.pictures > 0 && (news != 1 || r.Assumed < float64(tc.rate)*0.95 || r.Assumed > float64(tc.rate)*1.05) {
			t.Errorf("%s: %d news, it is %v", name, news, r.Assumed)
		}
		if news := shoot(&r, &ticks, 1000, tc.rate); news != 0 {
			t.Errorf("%s: %d news of what is known", name, news)
		}
	}
}

// An encoder that is too slow gets half the pictures for some seconds, catches up, and falls behind again.
func TestDroppedPicturesAreNoOtherRate(t *testing.T) {
	r, ticks, news := NewRate(), int64(0), 0
	for range 100 {
		news += shoot(&r, &ticks, 2*rateWindow, 15) + shoot(&r, &ticks, 2*rateWindow, 30)
	}
	if news > 2 { // before anything is known, and when that turns out to be wrong
		t.Errorf("it was taken for another %d times", news)
	}
	if news := shoot(&r, &ticks, (sure+1)*rateWindow, 10); news != 1 {
		t.Errorf("%d news when it really fell", news)
	}
}

func TestAClockThatStandsStillTellsNoRate(t *testing.T) {
	r := NewRate()
	for range 1000 {
		if r.Wrong(7) {
			t.Fatal("it did")
		}
	}
}
