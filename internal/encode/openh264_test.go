//go:build cgo && (amd64 || arm64 || arm)

package encode_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/openh264"
)

// plenty is so much that no picture is left out.
const plenty = 20_000_000

func inProcess() *encode.Encoders { return encode.NewEncoders(openh264.New()) }

func TestPicturesKeepOrderAndTimeInProcess(t *testing.T) {
	for _, c := range []clip{
		raws(camera.YUYV, "160x120", 80), raws(camera.NV12, "160x120", 80), raws(camera.I420, "160x120", 80), jpegs("160x120", 80),
		{codec: camera.MJPEG, size: "160x120", length: 80, format: "mjpeg", args: "-c:v mjpeg -pix_fmt yuvj422p -q:v 2"},
		{codec: camera.MJPEG, size: "160x120", length: 80, format: "mjpeg", args: "-c:v mjpeg -pix_fmt yuvj444p -q:v 2"},
	} {
		t.Run(c.args, func(t *testing.T) {
			shots := c.make(t, 1<<32-90_000)
			r := start(t, encode.Options{Codec: c.codec, Bitrate: plenty, Encoders: inProcess()})
			r.Begin(c.announced(t))
			r.play(c.codec, shots)
			seen := r.wait(80)
			for i, p := range seen {
				if p.timestamp != shots[i].Timestamp {
					t.Fatalf("picture %d: timestamp %d, want %d", i, p.timestamp, shots[i].Timestamp)
				}
			}
			for i, light := range decode(t, seen) {
				if got, want := int(light), shots[i].brightness; got < want-4 || got > want+4 {
					t.Errorf("picture %d: brightness %d, want %d", i, got, want)
				}
			}
			checkForm(t, seen)
		})
	}
}

// Flat grey would not show a plane that is shifted or a line that is torn.
func TestColoursAndEdgesStayWhereTheyAre(t *testing.T) {
	for _, kind := range []struct {
		name     string
		encoders *encode.Encoders
	}{{"openh264", inProcess()}, {"ffmpeg", encode.NewEncoders(ffmpeg.New("ffmpeg", unscrubbed))}} {
		for _, c := range []clip{
			raws(camera.YUYV, "320x240", 4), raws(camera.NV12, "322x238", 4), raws(camera.I420, "322x238", 4), jpegs("322x238", 4),
			{codec: camera.MJPEG, size: "320x240", length: 4, format: "mjpeg", args: "-c:v mjpeg -pix_fmt yuvj422p -q:v 2"},
		} {
			t.Run(kind.name+" "+c.args, func(t *testing.T) {
				c.moving = true
				r := start(t, encode.Options{Codec: c.codec, Bitrate: plenty, Encoders: kind.encoders})
				r.Begin(c.announced(t))
				r.write(c.make(t, 0))
				if likeness := psnr(t, c, r.wait(4)[:4]); likeness < 28 {
					t.Errorf("what came out is like what went in by %.1f dB only", likeness)
				}
			})
		}
	}
}

func TestAKeyFrameOnDemandIsTheNextPicture(t *testing.T) {
	c := raws(camera.YUYV, "160x120", 20)
	shots := c.make(t, 0)
	r := start(t, encode.Options{Codec: c.codec, Bitrate: plenty, Encoders: inProcess()})
	if r.KeyFrame() {
		t.Error("a key frame is promised where no encoder is at work")
	}
	r.Begin(c.announced(t))
	for i, s := range shots {
		if i == 7 || i == 15 {
			for range 2 { // who asks twice wants one
				if !r.KeyFrame() {
					t.Error("no key frame is promised")
				}
			}
		}
		r.Write(s.Picture)
		r.wait(i + 1)
	}
	var keys []int
	for i, p := range r.wait(20) {
		if p.isKey() {
			keys = append(keys, i)
		}
	}
	if want := []int{0, 7, 15}; !slices.Equal(keys, want) {
		t.Errorf("key frames at %v, want %v", keys, want)
	}
}

// It would be a pity if the picture that is to be one were the damaged one.
func TestAKeyFrameOnDemandComesWithTheNextGoodPicture(t *testing.T) {
	shots := jpegs("160x120", 4).make(t, 0)
	shots[2].Units[0] = shots[2].Units[0][:100]
	r := start(t, encode.Options{Codec: camera.MJPEG, Bitrate: plenty, Encoders: inProcess()})
	r.write(shots[:2])
	r.wait(2)
	if !r.KeyFrame() {
		t.Error("no key frame is promised")
	}
	r.write(shots[2:])
	if p := r.wait(3)[2]; !p.isKey() {
		t.Error("the picture after the damaged one is no key frame")
	}
}

// Whatever a JPEG says before it is decoded: the library never gets a picture of another size than it knows of.
func TestJPEGsThatHideTheirSize(t *testing.T) {
	r := start(t, encode.Options{Codec: camera.MJPEG, Bitrate: plenty, Encoders: inProcess()})
	heights := []int{480, 120, 960}
	for i, c := range []clip{jpegs("640x480", 3), jpegs("160x120", 3), jpegs("1280x960", 3)} {
		shots := c.make(t, uint32(i*90_000))
		for _, s := range shots {
			s.Units[0] = slices.Insert(bytes.Clone(s.Units[0]), 2, 0) // a stray byte, which Go's decoder overlooks
		}
		r.write(shots)
		if got := r.wait(3 * (i + 1))[3*i].format(t).Height; got != heights[i] {
			t.Errorf("pictures of %d lines, want %d", got, heights[i])
		}
	}
	if got := r.metric(t, "restarts_total"); got != 0 {
		t.Errorf("%v restarts", got)
	}
}

// Who cannot make pictures smaller is not asked to, and the camera's owner hears what is the matter.
func TestPicturesThatAreTooHighForItAreNoFailure(t *testing.T) {
	for _, c := range []clip{jpegs("160x120", 3), raws(camera.YUYV, "160x120", 3)} {
		r := start(t, encode.Options{Codec: c.codec, MaxHeight: 100, Encoders: inProcess()})
		r.Begin(c.announced(t))
		r.write(c.make(t, 0)) // which takes a while: by then the encoder could be chosen
		err := <-r.result
		if camera.ReasonOf(err) != camera.WrongCodec || !strings.Contains(err.Error(), "raise max_height") {
			t.Errorf("%s: %v", c.codec, err)
		}
		if got := r.metric(t, "restarts_total"); got != 0 {
			t.Errorf("%s: %v restarts", c.codec, got)
		}
	}
}

// Many USB cameras leave the tables out, since everybody knows them.
func TestJPEGWithoutHuffmanTables(t *testing.T) {
	for name, encoders := range map[string]*encode.Encoders{"openh264": inProcess(), "ffmpeg": thisMachine()} {
		t.Run(name, func(t *testing.T) {
			c := jpegs("160x120", 10)
			c.args += " -huffman default"
			shots := c.make(t, 0)
			for _, s := range shots {
				s.Units[0] = withoutTables(t, s.Units[0])
			}
			r := start(t, encode.Options{Codec: c.codec, Bitrate: plenty, Encoders: encoders})
			r.write(shots)
			for i, light := range decode(t, r.wait(10)) {
				if got, want := int(light), shots[i].brightness; got < want-4 || got > want+4 {
					t.Errorf("picture %d: brightness %d, want %d", i, got, want)
				}
			}
		})
	}
}

func withoutTables(t *testing.T, file []byte) []byte {
	t.Helper()
	for at := 2; file[at] == 0xff && file[at+1] != 0xda; {
		length := 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		if file[at+1] == 0xc4 {
			file = slices.Delete(bytes.Clone(file), at, at+length)
			continue
		}
		at += length
	}
	if bytes.Contains(file, []byte{0xff, 0xc4}) {
		t.Fatal("the tables are still there")
	}
	return file
}

// The rate of the pictures is not known in advance, and the bits of a picture depend on it.
func TestTheBitrateFollowsTheRateOfPictures(t *testing.T) {
	c := raws(camera.I420, "320x240", 200)
	c.moving = true
	shots := c.make(t, 0)
	const bitrate = 300_000
	r := start(t, encode.Options{Codec: c.codec, Bitrate: bitrate, Encoders: inProcess()})
	r.Begin(c.announced(t))
	for i, s := range shots {
		s.Timestamp = uint32(i * 90_000 / 10) // ten a second
		r.Write(s.Picture)
		eventually(t, "an outcome", func() bool {
			return r.metric(t, "frames_out_total")+r.metric(t, "frames_skipped_total") == float64(i+1)
		})
	}
	var size int
	for _, p := range r.wait(1) {
		if p.timestamp >= 10*90_000 {
			for _, unit := range p.units {
				size += len(unit)
			}
		}
	}
	if got := size * 8 / 10; got < bitrate*7/10 || got > bitrate*13/10 {
		t.Errorf("%d bits/s, want %d", got, bitrate)
	}
}

func TestDamagedPicturesAreLeftOut(t *testing.T) {
	shots := jpegs("160x120", 10).make(t, 0)
	shots[4].Units[0] = shots[4].Units[0][:100]
	r := start(t, encode.Options{Codec: camera.MJPEG, Bitrate: plenty, Encoders: inProcess()})
	r.write(shots)
	for _, p := range r.wait(9) {
		if p.timestamp == shots[4].Timestamp {
			t.Error("half a picture was shown")
		}
	}
	if got := r.metric(t, "frames_skipped_total"); got != 1 {
		t.Errorf("%v left out, want 1", got)
	}
	if got := r.metric(t, "restarts_total"); got != 0 {
		t.Errorf("%v restarts", got)
	}
}

func TestItsProcessorTimeIsCounted(t *testing.T) {
	c := raws(camera.YUYV, "640x480", 15)
	c.moving = true
	r := start(t, encode.Options{Codec: c.codec, Bitrate: plenty, Encoders: inProcess()})
	r.Begin(c.announced(t))
	for i, s := range c.make(t, 0) {
		r.Write(s.Picture)
		r.wait(i + 1)
	}
	_ = r.stop()
	if got := r.metric(t, "cpu_seconds_total"); got < 0.005 || got > 30 {
		t.Errorf("%v s of processor time for 15 pictures", got)
	}
}

func TestAnotherSizeOfRawPictures(t *testing.T) {
	for name, encoders := range map[string]*encode.Encoders{"openh264": inProcess(), "ffmpeg": thisMachine()} {
		t.Run(name, func(t *testing.T) {
			r := start(t, encode.Options{Codec: camera.YUYV, Bitrate: plenty, Encoders: encoders})
			for i, c := range []clip{raws(camera.YUYV, "160x120", 5), raws(camera.YUYV, "320x240", 5)} {
				r.Begin(c.announced(t))
				r.write(c.make(t, uint32(i*90_000)))
				seen := r.wait(5 * (i + 1))
				if got, want := seen[5*i].format(t).Height, c.announced(t).Height; got != want {
					t.Errorf("pictures of %d lines, want %d", got, want)
				}
			}
			dropped := r.metric(t, "frames_dropped_total")
			r.Write(encode.Picture{Units: [][]byte{make([]byte, 100)}, Timestamp: 1 << 20}) // torn
			if got := r.metric(t, "frames_dropped_total") - dropped; got != 1 {
				t.Errorf("%v pictures were dropped, want the torn one", got)
			}
			if got := r.metric(t, "restarts_total"); got != 0 {
				t.Errorf("%v restarts", got)
			}
		})
	}
}

// psnr says how like the pictures are to those of the clip, in dB; 30 is what nobody notices.
func psnr(t testing.TB, c clip, pictures []pictureSeen) float64 {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-hide_banner", "-f", "h264", "-framerate", "25", "-i", "pipe:0",
		"-f", "lavfi", "-i", c.source(), "-frames:v", fmt.Sprint(len(pictures)),
		"-lavfi", "[1]format=yuv420p[want];[0]format=yuv420p,settb=1/25,setpts=N[got];[want]settb=1/25,setpts=N[want2];[got][want2]psnr", "-f", "null", "-")
	cmd.Stdin = bytes.NewReader(byteStream(pictures))
	report, err := cmd.CombinedOutput()
	_, figure, found := strings.Cut(string(report), "average:")
	var average float64
	if _, scanned := fmt.Sscan(figure, &average); err != nil || !found || scanned != nil {
		t.Fatalf("comparing: %v: %s", err, report)
	}
	return average
}
