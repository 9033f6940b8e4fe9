package probe_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/probe"
)

// The codec is what the packets are, whatever the description calls it.
func TestH265(t *testing.T) {
	for _, said := range []camera.Codec{camera.H265, camera.H264} {
		t.Run(string(said), func(t *testing.T) {
			s := plain()
			s.format = camera.Format{Codec: said}
			s.change = func(n int, _ []camera.Packet) []camera.Packet {
				if n%50 > 0 {
					return packetsOf(n, fragments(1)...)
				}
				aggregate := slices.Concat([]byte{0x60, 0x01, 0, byte(len(sps265))}, sps265, []byte{0, byte(len(pps265))}, pps265)
				return packetsOf(n, append([][]byte{vps265, aggregate}, fragments(19)...)...)
			}
			r, _ := look(t, s, 0)
			wantOutcome(t, r, probe.Transcode)
			v := r.Video
			if v.Codec != camera.H265 || v.Width != 64 || v.AnnouncedFPS != 10 || v.FPS != 25 || v.KeyFrames.Pictures != 50 || v.Slices != 1 || !v.BFrames {
				t.Errorf("the video is %+v", v)
			}
			if !v.ParameterSets.InBand || v.ParameterSets.Announced || v.Markers != (probe.Markers{}) {
				t.Errorf("parameter sets %+v, markers %+v", v.ParameterSets, v.Markers)
			}
			wantText(t, r, "H.265, Main, level 1.0, 64x64", "will be transcoded (H.265; encoder libx264, costs CPU)", "second stream")
			if said == camera.H264 {
				wantText(t, r, "by content; the camera calls it H.264")
			}
		})
	}
}

func TestMJPEG(t *testing.T) {
	s := plain()
	s.format = camera.Format{Codec: camera.MJPEG}
	r, took := look(t, s, 0)
	wantOutcome(t, r, probe.Transcode)
	if v := r.Video; v.Width != 320 || v.Height != 240 || v.FPS != 25 || v.KeyFrames.Pictures != 1 || took > 3200*time.Millisecond {
		t.Errorf("after %v the video is %+v", took, v)
	}
	wantText(t, r, "MJPEG, 320x240", "will be transcoded (MJPEG;")
}

func TestBFrames(t *testing.T) {
	s := plain()
	s.format.Sets = [][]byte{reorderingSPS, pps}
	shown := []int{0, 3, 1, 2} // the order in which pictures are shown
	s.change = func(n int, p []camera.Packet) []camera.Packet {
		units := [][]byte{unit(sliceP, 1000)}
		switch {
		case n%48 == 0:
			units = [][]byte{reorderingSPS, pps, unit(sliceI, 10_000)}
		case n%4 > 1:
			units[0] = unit(sliceB, 500)
		}
		return packetsOf(n-n%4+shown[n%4], units...)
	}
	r, _ := look(t, s, 0)
	wantOutcome(t, r, probe.Transcode)
	if v := r.Video; !v.BFrames || v.Clock.Back > 0 || v.Clock.Frozen > 0 || v.FPS < 24.5 || v.FPS > 25.5 {
		t.Errorf("the video is %+v", v)
	}
	wantText(t, r, "will be transcoded (B-frames;", "B-frames to 0")

	s.change = func(n int, p []camera.Packet) []camera.Packet {
		if len(p) > 1 {
			p[0].Payload = reorderingSPS
		}
		return p
	}
	r, _ = look(t, s, 0)
	wantOutcome(t, r, probe.Pass) // it only says that it might

	s.format.Sets = nil
	s.change = func(n int, p []camera.Packet) []camera.Packet {
		if len(p) == 1 {
			p[0].Payload = unit(sliceB, 500)
		}
		return p
	}
	r, _ = look(t, s, 0)
	wantOutcome(t, r, probe.Pass) // they keep the order, as the parameter set promises
}

// Two fields are one picture.
func TestInterlaced(t *testing.T) {
	s := plain()
	s.change = func(n int, p []camera.Packet) []camera.Packet {
		if n%50 == 0 {
			return packetsOf(n, interlacedSPS, pps, unit(sliceI, 1000), unit(sliceP, 1000))
		}
		return packetsOf(n, unit(sliceP, 1000), unit(sliceP, 1000))
	}
	r, _ := look(t, s, 0)
	if r.Video.FPS != 25 || r.Video.Clock.Frozen > 0 {
		t.Errorf("the video is %+v", r.Video)
	}
	wantText(t, r, "interlaced")
}

func TestNothingCanTranscode(t *testing.T) {
	s := plain()
	s.format = camera.Format{Codec: camera.MJPEG}
	r, _ := lookWith(t, s, probe.Options{Encoders: &encoders{}})
	wantOutcome(t, r, probe.Unusable)
	wantText(t, r, "no encoder works: h264_vaapi: no device; libx264: not built in", "install an ffmpeg")
}

func TestTheSettingDecides(t *testing.T) {
	modern := plain()
	modern.format = camera.Format{Codec: camera.MJPEG}
	r, _ := lookWith(t, modern, probe.Options{Transcode: config.TranscodeNever})
	wantOutcome(t, r, probe.Unusable)
	wantText(t, r, "(MJPEG), and `transcode: never` forbids that", "set the camera's stream from MJPEG to H.264", "or remove `transcode: never`")

	r, _ = lookWith(t, plain(), probe.Options{Transcode: config.TranscodeNever})
	wantOutcome(t, r, probe.Pass)

	r, _ = lookWith(t, plain(), probe.Options{Transcode: config.TranscodeAlways, Encoders: &encoders{working: "h264_vaapi"}})
	wantOutcome(t, r, probe.Transcode)
	wantText(t, r, "will be transcoded (transcode: always; encoder h264_vaapi, costs this machine's encoder hardware)")
	if len(r.Advice) > 0 {
		t.Errorf("the advice is %q", r.Advice)
	}
}

func TestTimestamps(t *testing.T) {
	stamp := func(f func(n int) uint32) func(int, []camera.Packet) []camera.Packet {
		return func(n int, p []camera.Packet) []camera.Packet {
			for i := range p {
				p[i].Timestamp = f(n)
			}
			return p
		}
	}
	for _, c := range []struct {
		name  string
		clock func(n int) uint32
		want  probe.Clock
		words string
	}{
		{"frozen", func(int) uint32 { return 7 }, probe.Clock{Frozen: 101}, "101 times did not move"},
		{"back", func(n int) uint32 { return uint32(n)*3600 - uint32(n/50)*900_000 }, probe.Clock{Back: 2, Rate: 1}, "2 times went back"},
		{"ahead", func(n int) uint32 { return uint32(n)*3600 + uint32(n/50)*900_000 }, probe.Clock{Jumps: 2, Rate: 1}, "2 times leapt ahead"},
		{"too fast", func(n int) uint32 { return uint32(n) * 7200 }, probe.Clock{Rate: 2}, "2.00 seconds go by in one"},
		{"wraps", func(n int) uint32 { return uint32(n)*3600 - 180_000 }, probe.Clock{Rate: 1}, "timestamps      right"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plain()
			s.change = stamp(c.clock)
			r, _ := look(t, s, 0)
			wantOutcome(t, r, probe.Pass)
			if r.Video.Clock != c.want || r.Video.FPS != 25 || r.Video.KeyFrames.Interval != probe.Millis(2*time.Second) {
				t.Errorf("the clock is %+v, want %+v; %+v", r.Video.Clock, c.want, r.Video)
			}
			wantText(t, r, c.words)
			if wrong := c.want != (probe.Clock{Rate: 1}); wrong != slices.ContainsFunc(r.Advice, contains("NTP")) {
				t.Errorf("the advice is %q", r.Advice)
			}
		})
	}
}

func TestArrival(t *testing.T) {
	s := plain()
	s.late = func(n int) time.Duration {
		if n%10 == 5 {
			return 30 * time.Millisecond
		}
		return 0
	}
	r, _ := look(t, s, 0)
	if j := r.Video.Jitter; j.P50 != 0 || j.P99 != probe.Millis(30*time.Millisecond) || j.Pause != probe.Millis(70*time.Millisecond) || len(r.Advice) > 0 {
		t.Errorf("jitter %+v, advice %q", j, r.Advice)
	}
	s.late = func(n int) time.Duration {
		if n > 50 && n%10 == 5 {
			return 3 * time.Second
		}
		return 0
	}
	r, _ = look(t, s, 10*time.Second)
	wantText(t, r, "pictures arrive unevenly")
}

func TestLosses(t *testing.T) {
	s := plain()
	s.change = func(n int, p []camera.Packet) []camera.Packet {
		switch n {
		case 20:
			p[0].Lost = 3
		case 50:
			p[2].Lost = 1
		}
		return p
	}
	r, _ := look(t, s, 0)
	if r.Video.Packets.Lost != 4 || r.Video.Damaged != 3 { // the end of picture 19 may be missing, or the beginning of 20
		t.Errorf("the video is %+v", r.Video)
	}
	wantText(t, r, "4 were lost; parts are missing of 3 pictures", "the camera leaves out packets")
	s.report.Facts = []camera.Fact{{Name: camera.FactTransport, Value: "UDP"}}
	r, _ = look(t, s, 0)
	wantText(t, r, "use `transport: tcp`")
}

func TestMarkersAndSlices(t *testing.T) {
	second := unit([]byte{0x41, 0x4d}, 400) // a P slice that does not begin with the first macroblock
	for _, c := range []struct {
		name   string
		marker func(i, last int) bool
		want   string
	}{
		{"right", func(i, last int) bool { return i == last }, "markers         right"},
		{"none", func(int, int) bool { return false }, "missing from 1"},
		{"on each slice", func(int, int) bool { return true }, "too early in 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plain()
			s.change = func(n int, p []camera.Packet) []camera.Packet {
				if len(p) == 1 {
					p = packetsOf(n, p[0].Payload, second)
				}
				for i := range p {
					p[i].Marker = c.marker(i, len(p)-1)
				}
				return p
			}
			r, _ := look(t, s, 0)
			wantOutcome(t, r, probe.Pass)
			if r.Video.Slices != 2 || r.Video.FPS != 25 {
				t.Errorf("the video is %+v", r.Video)
			}
			wantText(t, r, c.want)
		})
	}
}

func TestParameterSets(t *testing.T) {
	other := append(slices.Clone(sps[:3]), append([]byte{0x1f}, sps[4:]...)...) // of another level
	only := func(_ int, p []camera.Packet) []camera.Packet { return p[len(p)-1:] }
	for _, c := range []struct {
		name   string
		said   [][]byte
		change func(int, []camera.Packet) []camera.Packet
		want   string
	}{
		{"both", [][]byte{sps, pps}, nil, "in the description and with the video\n"},
		{"announced", [][]byte{sps, pps}, only, "in the description only\n"},
		{"in band", nil, nil, "with the video only\n"},
		{"announced with a start code", [][]byte{append([]byte{0, 0, 0, 1}, sps...), pps}, only, "in the description only\n"},
		{"not the same", [][]byte{other, pps}, nil, "in the description and with the video; they are not the same\n"},
		{"changed", [][]byte{sps, pps}, func(n int, p []camera.Packet) []camera.Packet {
			if n == 50 {
				p[0].Payload = other
			}
			return p
		}, "changed 2 times meanwhile\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plain()
			s.format.Sets, s.change = c.said, c.change
			r, _ := look(t, s, 0)
			wantOutcome(t, r, probe.Pass)
			wantText(t, r, c.want)
		})
	}
}

// Some cameras send them as a picture of their own, with a timestamp before that of the key frame.
func TestParameterSetsApart(t *testing.T) {
	s := plain()
	s.change = func(_ int, p []camera.Packet) []camera.Packet {
		for i := range p[1:] {
			p[i].Timestamp, p[i].Marker = p[i].Timestamp-100, true
		}
		return p
	}
	r, _ := look(t, s, 0)
	if v := r.Video; v.FPS != 25 || v.KeyFrames.Pictures != 50 || v.KeyFrames.LargestBytes != 10_029 {
		t.Errorf("the video is %+v", v)
	}
	wantText(t, r, "too early in 3 of")
}

func TestMoreThanIsUseful(t *testing.T) {
	s := plain()
	s.change = func(n int, p []camera.Packet) []camera.Packet {
		p[len(p)-1].Payload = unit(p[len(p)-1].Payload[:2], 60_000)
		return p
	}
	r, _ := look(t, s, 0)
	wantText(t, r, "the bit rate (2 to 4 Mbit/s instead of 12.0)")
}

func TestAPasswordInTheClear(t *testing.T) {
	s := plain()
	s.report.Facts = []camera.Fact{{Name: camera.FactLogin, Value: "Basic"}}
	r, _ := look(t, s, 0)
	wantText(t, r, "digest")
}

func contains(word string) func(string) bool {
	return func(text string) bool { return strings.Contains(text, word) }
}
