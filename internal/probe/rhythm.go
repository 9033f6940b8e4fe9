package probe

import "time"

// KeyFrames are those of a video, and how far they are apart.
type KeyFrames struct {
	Count int `json:"count"`

	// From one to the next, in the middle of all that were seen; 0 before the second.
	Interval Millis `json:"interval_ms"`
	Pictures int    `json:"interval_pictures"`

	// The longest time without one. Open: it had not come to its end, or its beginning was not seen.
	Largest     Millis `json:"largest_gap_ms"`
	LargestOpen bool   `json:"largest_gap_open"`

	Bytes        int `json:"bytes"` // of one, on average
	LargestBytes int `json:"largest_bytes"`
}

func readKeys(pictures []picture, times []time.Duration) (k KeyFrames) {
	var gaps, counts []time.Duration
	last, bytes := -1, 0
	for i, p := range pictures {
		if !p.key {
			continue
		}
		k.Count++
		bytes += p.bytes
		k.LargestBytes = max(k.LargestBytes, p.bytes)
		switch {
		case last >= 0:
			gaps, counts = append(gaps, times[i]-times[last]), append(counts, time.Duration(i-last))
			k.gap(times[i]-times[last], false)
		default:
			k.gap(times[i]-times[0], true)
		}
		last = i
	}
	if n := len(pictures) - 1; n >= 0 {
		k.gap(times[n]-times[max(0, last)], true)
	}
	if k.Count > 0 {
		k.Bytes = bytes / k.Count
	}
	k.Interval, k.Pictures = Millis(quantile(gaps, 0.5)), int(quantile(counts, 0.5))
	return k
}

func (k *KeyFrames) gap(length time.Duration, open bool) {
	if Millis(length) > k.Largest {
		k.Largest, k.LargestOpen = Millis(length), open
	}
}

// picturesPerSecond is 0 when too few were seen.
func picturesPerSecond(times []time.Duration) float64 {
	if len(times) < 2 {
		return 0
	}
	first, last := times[0], times[0]
	for _, t := range times { // B-frames come out of order
		first, last = min(first, t), max(last, t)
	}
	if last == first {
		return 0
	}
	return float64(len(times)-1) / (last - first).Seconds()
}
