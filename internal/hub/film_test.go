package hub

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// film is a camera that numbers its pictures from 0, each packet of which is like no other.
type film struct {
	h        *Hub
	interval time.Duration // between pictures
	gop      int           // pictures from one key frame to the next; 0: there is only one
	packets  int           // of a picture
	keys     int           // packets of a key frame, without the parameter sets
	size     int           // of each payload

	next      int
	cut       bool // the next is a key frame in any case
	timestamp uint32
	sent      [][][]byte // the payloads of each picture
	key       []bool     // it is a key frame
}

// newFilm makes 30 pictures a second and a key frame every ten seconds, at 4 Mbit/s with key frames of 300 kB.
func newFilm(h *Hub) *film {
	return &film{h: h, interval: time.Second / 30, gop: 300, packets: 14, keys: 270, size: 1100}
}

// newSession begins one whose pictures do not refer to those of before.
func (f *film) newSession() {
	f.sent, f.key = append(f.sent, nil), append(f.key, false)
	f.next++
	f.h.Begin(camera.Parameters{})
}

// begin prepares the next picture and returns its payloads.
func (f *film) begin() [][]byte {
	var all [][]byte
	header, count := byte(0x41), f.packets
	key := f.cut || f.next == 0 || f.gop > 0 && f.next%f.gop == 0
	f.cut, f.key = false, append(f.key, key)
	if key {
		all = append(all, sps, pps)
		header, count = 0x65, f.keys
	}
	for i := range count {
		payload := make([]byte, max(f.size, 9))
		payload[0] = header
		binary.BigEndian.PutUint32(payload[1:], uint32(f.next))
		binary.BigEndian.PutUint32(payload[5:], uint32(i))
		all = append(all, payload)
	}
	f.timestamp += uint32((f.interval*ticksPerSecond + time.Second/2) / time.Second)
	f.sent = append(f.sent, all)
	f.next++
	return all
}

// shoot sends so many pictures, each followed by a pause.
func (f *film) shoot(pictures int) {
	for range pictures {
		send(f.h, f.timestamp, f.begin()...)
		time.Sleep(f.interval)
	}
}

// shot is a picture as an outlet got it.
type shot struct {
	number    int
	timestamp uint32
	at        time.Time // of its last packet
}

// view puts the packets that an outlet got together to pictures, and fails where one is not what the camera sent, byte by byte. The
// last may be unfinished.
func (f *film) view(packets []camera.Packet, times []time.Time) (shots []shot, err error) {
	for i := 0; i < len(packets); {
		end := i + 1
		for end < len(packets) && packets[end].Timestamp == packets[i].Timestamp {
			end++
		}
		last := packets[end-1].Payload
		if len(last) < 9 && end == len(packets) {
			break
		}
		if len(last) < 9 {
			return shots, fmt.Errorf("a picture ends with %x", last)
		}
		number := int(binary.BigEndian.Uint32(last[1:]))
		got := packets[i:end]
		if end == len(packets) && len(got) < len(f.sent[number]) {
			break // it is not finished
		}
		if !slices.EqualFunc(got, f.sent[number], func(p camera.Packet, sent []byte) bool { return bytes.Equal(p.Payload, sent) }) {
			return shots, fmt.Errorf("picture %d: %d packets of %d, or not the same", number, len(got), len(f.sent[number]))
		}
		if marks := slices.IndexFunc(got, func(p camera.Packet) bool { return p.Marker }); marks != len(got)-1 {
			return shots, fmt.Errorf("picture %d: the marker is on packet %d of %d", number, marks, len(got))
		}
		if n := len(shots); n > 0 && int32(packets[i].Timestamp-shots[n-1].timestamp) <= 0 {
			return shots, fmt.Errorf("picture %d: the timestamp goes back", number)
		}
		shots = append(shots, shot{number, packets[i].Timestamp, times[end-1]})
		i = end
	}
	return shots, nil
}

// judge tells what is wrong with a row of pictures: each must be a key frame or follow the one that it refers to. Until the first key
// frame anything goes if early is set.
func (f *film) judge(shots []shot, early bool) error {
	for i, s := range shots {
		if f.key[s.number] {
			early = false
			continue
		}
		if !early && (i == 0 || shots[i-1].number != s.number-1) {
			return fmt.Errorf("picture %d comes at place %d, after %v", s.number, i, shots[max(0, i-2):i])
		}
	}
	return nil
}
