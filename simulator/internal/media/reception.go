package media

import (
	"time"

	"github.com/pion/webrtc/v4"
	"go.uber.org/zap"
)

// keyRequestPause is the time between two requests for a key frame while one is needed.
const keyRequestPause = 500 * time.Millisecond

// A reception takes in one track.
type reception struct {
	subscription
	room    *Room
	decoder *decoder // nil when the gateway does not decode
	done    chan struct{}

	packets     reorderer
	units       *assembler
	lastRequest time.Time // for a key frame
}

// startReception begins to take in a track; stop must be called.
func startReception(room *Room, subscription subscription) *reception {
	r := &reception{subscription: subscription, room: room, units: newAssembler(), done: make(chan struct{})}
	if room.gateway.options.Decode {
		r.decoder = startDecoder(room.gateway.options.FFmpeg, room)
	}
	if err := enlargeReceiveBuffers(); err != nil {
		room.log.Warn("large key frames may be lost", zap.Error(err))
	}
	go r.run()
	return r
}

// stop returns when no event of this track can come any more.
func (r *reception) stop() {
	_ = r.track.SetReadDeadline(time.Unix(1, 0)) // fails only when the track has ended, and then run ends too
	<-r.done
}

// run reads packets until the track ends or stop is called.
func (r *reception) run() {
	defer close(r.done)
	if r.decoder != nil {
		defer r.decoder.close()
	}
	if mime := r.track.Codec().MimeType; mime != webrtc.MimeTypeH264 {
		r.room.log.Warn("the published track is not H.264 and is not looked at", zap.String("codec", mime))
		return
	}
	for {
		packet, _, err := r.track.ReadRTP()
		if err != nil {
			return
		}
		now := time.Now()
		r.packets.push(arrival{packet, now})
		r.assemble(now)
		if r.units.needKey && now.Sub(r.lastRequest) >= keyRequestPause {
			r.lastRequest = now
			r.requestKey()
		}
	}
}

// assemble hands on every unit that is complete.
func (r *reception) assemble(now time.Time) {
	for {
		packet, lost, ok := r.packets.pop(now)
		if !ok {
			return
		}
		if lost > 0 {
			r.room.stats.add(func(s *Stats) { s.LostPackets += lost })
			r.units.reset()
		}
		unit, skipped, complete := r.units.add(packet)
		if skipped {
			r.room.stats.add(func(s *Stats) { s.SkippedPictures++ })
		}
		if complete {
			r.handle(unit)
		}
	}
}

// handle has a unit decoded, or reports it as it is.
func (r *reception) handle(u unit) {
	if r.decoder == nil {
		r.room.report(Frame{At: u.at, Key: u.key, Bytes: u.size})
		return
	}
	if !r.decoder.submit(u) {
		r.room.stats.add(func(s *Stats) { s.SkippedPictures++ })
		r.units.reset()
	}
}

// report counts a picture and tells the owner of the room.
func (r *Room) report(frame Frame) {
	r.stats.add(func(s *Stats) {
		s.Frames++
		if frame.Key {
			s.KeyFrames++
		}
	})
	r.events.OnFrame(frame)
}
