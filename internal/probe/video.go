package probe

import (
	"math"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// video says what was measured, nil when no packet came. Nothing may be measured any more.
func (m *meter) video() *Video {
	if m.packets.Count == 0 {
		return nil
	}
	pictures := m.film().pictures
	v := &Video{Codec: m.is(), Packets: m.packets, Pictures: len(pictures)}
	if v.Codec != m.said.Codec {
		v.Announced = m.said.Codec
	}
	v.BFrames = m.reordered()
	m.describe(v)
	clock, times := readClock(pictures, v.BFrames)
	v.Clock, v.Jitter, v.KeyFrames = clock, readJitter(pictures, times), readKeys(pictures, times)
	fps := picturesPerSecond(times)
	v.FPS = math.Round(fps*10) / 10
	v.count(pictures, fps)
	return v
}

// describe says what the parameter sets say, or the files of MJPEG.
func (m *meter) describe(v *Video) {
	switch {
	case v.Codec.Single():
		v.Width, v.Height = m.single.size.X, m.single.size.Y
		v.ParameterSets = ParameterSets{InBand: true, Changes: m.single.resized}
	case v.Codec == camera.H265:
		v.ParameterSets = m.hevc.sets.summary()
		if !m.hevc.known {
			return
		}
		sps := &m.hevc.sps
		v.Format, v.Width, v.Height = describe265(sps), sps.Width(), sps.Height()
		v.AnnouncedFPS = possibleFPS(sps.FPS())
	case v.Codec == camera.H264:
		m.describe264(v)
	}
}

func (m *meter) describe264(v *Video) {
	v.ParameterSets = m.avc.sets.summary()
	c := m.avc.mender.Counts()
	v.Mended = Mended{
		Repaired: c.StartCodes + c.Whole + c.Padded + c.Empty + c.Bundles,
		Refused:  c.Interleaved + c.Invalid,
	}
	if !m.avc.known {
		return
	}
	f := m.avc.format
	v.AnnouncedFPS = possibleFPS(f.FPS)
	f.FPS = 0 // it has a line of its own
	v.Format, v.Level, v.Width, v.Height = f.String(), f.ProfileLevelID(), f.Width, f.Height
}

// possibleFPS leaves out what no camera makes.
func possibleFPS(fps float64) float64 {
	if fps > 0 && fps < 1000 {
		return math.Round(fps*100) / 100
	}
	return 0
}

// count adds up what pictures are like.
func (v *Video) count(pictures []picture, fps float64) {
	bytes, slices := 0, map[int]int{}
	for _, p := range pictures {
		bytes += p.bytes
		slices[p.slices]++
		if slices[p.slices] > slices[v.Slices] {
			v.Slices = p.slices
		}
		if p.damaged {
			v.Damaged++
			continue
		}
		if !p.marked {
			v.Markers.Missing++
		}
		if p.early {
			v.Markers.Early++
		}
	}
	if len(pictures) > 0 {
		v.BitRate = int(math.Round(8 * fps * float64(bytes) / float64(len(pictures))))
	}
}
