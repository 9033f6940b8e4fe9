package media

import "sync"

// Stats count what happened in a Room since it was opened.
type Stats struct {
	Joins            int // times that the room was joined
	Frames           int // pictures handed to OnFrame
	KeyFrames        int // IDR pictures among them
	LostPackets      int // RTP packets that never came
	SkippedPictures  int // pictures that came and could not be decoded: before the first key frame or after a loss
	DecodeErrors     int // complaints and ends of the decoder
	UnreadCounters   int // decoded pictures without a legible counter
	LostPictures     int // burned-in counters left out between two pictures of the same track
	RepeatedPictures int // times that a burned-in counter was not after the one before
}

// counters are Stats that several goroutines write.
type counters struct {
	mutex sync.Mutex
	stats Stats
}

func (c *counters) add(change func(*Stats)) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	change(&c.stats)
}

// Stats returns the counts so far.
func (r *Room) Stats() Stats {
	r.stats.mutex.Lock()
	defer r.stats.mutex.Unlock()
	return r.stats.stats
}
