package hub

import (
	"fmt"
	"time"
)

// longInterval is the time between key frames from which the owner of a camera should do something about it.
const longInterval = 4 * time.Second

// rhythm is that of the key frames.
type rhythm struct {
	at        time.Time // when the newest one came, or the session began
	keyed     bool      // one came in this session
	warned    bool      // in this session
	timestamp uint32    // of the newest one
	picture   uint64    // its number
	largest   time.Duration
}

// restart begins a session. What the last one was seen to go without a key frame counts as well: it may have been given up just for
// that. lastPicture is when it was last seen.
func (r *rhythm) restart(lastPicture time.Time) {
	if r.keyed {
		r.largest = max(r.largest, lastPicture.Sub(r.at))
	}
	r.at, r.keyed, r.warned = time.Now(), false, false
}

// measureKeys is called when a key frame comes.
func (h *Hub) measureKeys() {
	r := &h.rhythm
	if r.keyed {
		interval := span(r.timestamp, h.picture.out)
		r.largest = max(r.largest, interval)
		h.metrics.interval.Set(interval.Seconds())
		if interval > longInterval {
			h.warn(interval, h.number-r.picture, false)
		}
	}
	r.at, r.keyed, r.timestamp, r.picture = time.Now(), true, h.picture.out, h.number
}

// warn tells the camera's owner once in a session. If open, the next key frame is still to come.
func (h *Hub) warn(interval time.Duration, pictures uint64, open bool) {
	if h.rhythm.warned || h.OnLongInterval == nil || interval <= longInterval {
		return
	}
	h.rhythm.warned = true
	text := advice(interval, pictures, open)
	h.news = append(h.news, func() { h.OnLongInterval(text) })
}

func advice(interval time.Duration, pictures uint64, open bool) string {
	least := ""
	if open {
		least = "at least "
	}
	return fmt.Sprintf("the camera's key frames are %s%v apart (%d pictures): after a restart or a lost packet there may be no picture for so "+
		"long; in its video settings set the I-frame interval (also called GOP or GOV length) to two seconds, which is twice the frame rate, "+
		"and turn off smart coding (H.264+, Smart Codec, Zipstream)", least, interval.Round(100*time.Millisecond), pictures)
}
