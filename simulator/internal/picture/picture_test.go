package picture

import (
	"image"
	"math/rand/v2"
	"testing"
)

// newFrame returns a 4:2:0 picture whose three planes lie one after the other without padding, as ffmpeg takes and gives them.
func newFrame(width, height int) (*image.YCbCr, []byte) {
	planes := make([]byte, width*height*3/2)
	luma, quarter := width*height, width*height/4
	return &image.YCbCr{
		Y: planes[:luma], Cb: planes[luma:][:quarter], Cr: planes[luma+quarter:],
		YStride: width, CStride: width / 2,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, width, height),
	}, planes
}

func TestReadReturnsWhatWasDrawn(t *testing.T) {
	sizes := [][2]int{{1920, 1080}, {1280, 720}, {640, 480}, {320, 180}, {352, 288}}
	for _, size := range sizes {
		frame, planes := newFrame(size[0], size[1])
		var reader Reader
		for _, counter := range []int{0, 1, 299, 599, 600, 0x5555, 0xAAAA, 0xFFFF} {
			for camera := 0; camera <= MaxCamera; camera += 5 {
				Draw(frame, counter, camera)
				got := reader.Read(planes, size[0], size[1])
				if got.Counter != counter || got.Camera != camera {
					t.Errorf("%v: drew counter %d camera %d, read %d and %d", size, counter, camera, got.Counter, got.Camera)
				}
				if got.Width != size[0] || got.Height != size[1] {
					t.Errorf("%v: read size %dx%d", size, got.Width, got.Height)
				}
			}
		}
	}
}

func TestReadSurvivesNoiseAndLowContrast(t *testing.T) {
	const width, height = 320, 180
	frame, planes := newFrame(width, height)
	var reader Reader
	random := rand.New(rand.NewPCG(1, 2))
	for counter := range CounterPeriod {
		Draw(frame, counter, 3)
		for i, sample := range frame.Y {
			faded := 60 + int(sample)/2
			frame.Y[i] = byte(max(0, min(255, faded+random.IntN(81)-40)))
		}
		if got := reader.Read(planes, width, height); got.Counter != counter || got.Camera != 3 {
			t.Fatalf("counter %d camera 3 read as %d and %d", counter, got.Counter, got.Camera)
		}
	}
}

func TestGarbageHasNoCounter(t *testing.T) {
	const width, height = 320, 180
	_, planes := newFrame(width, height)
	var reader Reader
	random := rand.New(rand.NewPCG(3, 4))
	fills := map[string]func(i int) byte{
		"noise":    func(int) byte { return byte(random.Uint32()) },
		"black":    func(int) byte { return 16 },
		"white":    func(int) byte { return 235 },
		"gradient": func(i int) byte { return byte(i % width) },
		"halves":   func(i int) byte { return byte(i / width / (height / rowShare) % 2 * 255) },
	}
	for name, sample := range fills {
		for range 50 {
			for i := range planes {
				planes[i] = sample(i)
			}
			if got := reader.Read(planes, width, height); got.Counter != -1 || got.Camera != -1 {
				t.Errorf("%s: read counter %d camera %d, want none", name, got.Counter, got.Camera)
			}
		}
	}
}

func TestDamagedStripHasNoCounter(t *testing.T) {
	for _, counter := range []int{0, 1, 77, 599, 0xFFFF} {
		good := encodeStrip(counter, 5)
		for a := range 32 {
			for b := range 32 {
				if a == b {
					continue
				}
				if got, _, ok := decodeStrip(good ^ 1<<a ^ 1<<b); ok {
					t.Errorf("counter %d with bits %d and %d flipped read as %d", counter, a, b, got)
				}
			}
			if got, _, ok := decodeStrip(good ^ 1<<a); ok {
				t.Errorf("counter %d with bit %d flipped read as %d", counter, a, got)
			}
		}
	}
}

func TestShortPictureHasNoCounter(t *testing.T) {
	frame, planes := newFrame(320, 180)
	Draw(frame, 7, 1)
	var reader Reader
	for _, short := range [][]byte{nil, planes[:100], planes[:len(planes)-1]} {
		if got := reader.Read(short, 320, 180); got.Counter != -1 {
			t.Errorf("%d of %d bytes: read counter %d", len(short), len(planes), got.Counter)
		}
	}
	if got := reader.Read(planes, 16, 16); got.Counter != -1 {
		t.Errorf("16x16: read counter %d", got.Counter)
	}
}

func TestReadMeasuresBrightnessAndMotion(t *testing.T) {
	const width, height = 320, 180
	frame, planes := newFrame(width, height)
	var reader Reader
	fill(frame.Y, 100)
	if got := reader.Read(planes, width, height); got.Brightness != 100 || got.Motion != 0 {
		t.Errorf("first picture: brightness %v motion %v, want 100 and 0", got.Brightness, got.Motion)
	}
	fill(frame.Y, 130)
	if got := reader.Read(planes, width, height); got.Brightness != 130 || got.Motion != 30 {
		t.Errorf("second picture: brightness %v motion %v, want 130 and 30", got.Brightness, got.Motion)
	}
	fill(frame.Y[:stripHeight(height)*width], 255)
	if got := reader.Read(planes, width, height); got.Brightness != 130 || got.Motion != 0 {
		t.Errorf("only the strip changed: brightness %v motion %v, want 130 and 0", got.Brightness, got.Motion)
	}
	reader.Forget()
	fill(frame.Y, 40)
	if got := reader.Read(planes, width, height); got.Motion != 0 {
		t.Errorf("after Forget: motion %v, want 0", got.Motion)
	}
}

func TestReadNamesColors(t *testing.T) {
	const width, height = 320, 180
	frame, planes := newFrame(width, height)
	var reader Reader
	samples := map[string][3]byte{
		"black": {16, 128, 128}, "white": {235, 128, 128}, "grey": {126, 128, 128},
		"red": {81, 90, 240}, "green": {145, 54, 34}, "blue": {41, 240, 110},
		"yellow": {210, 16, 146}, "cyan": {170, 166, 16}, "magenta": {106, 202, 222}, "orange": {145, 50, 185},
	}
	for want, sample := range samples {
		fill(frame.Y, sample[0])
		fill(frame.Cb, sample[1])
		fill(frame.Cr, sample[2])
		if got := reader.Read(planes, width, height); got.Color != want {
			t.Errorf("%v read as %s, want %s", sample, got.Color, want)
		}
	}
}

func TestDrawChangesAllTheTime(t *testing.T) {
	const width, height = 320, 180
	frame, planes := newFrame(width, height)
	var reader Reader
	seen := map[string]bool{}
	for counter := range CounterPeriod {
		Draw(frame, counter, 1)
		got := reader.Read(planes, width, height)
		seen[got.Color] = true
		if counter > 0 && got.Motion < 1 {
			t.Fatalf("picture %d: motion %v, want some", counter, got.Motion)
		}
	}
	if len(seen) < 5 {
		t.Errorf("a whole period shows only the colours %v", seen)
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	frame, planes := newFrame(320, 180)
	Draw(frame, 1, 1)
	var reader Reader
	reader.Read(planes, 320, 180)
	if n := testing.AllocsPerRun(20, func() { reader.Read(planes, 320, 180) }); n != 0 {
		t.Errorf("%v allocations per picture", n)
	}
}

func BenchmarkRead(b *testing.B) {
	frame, planes := newFrame(320, 180)
	Draw(frame, 1, 1)
	var reader Reader
	b.ReportAllocs()
	for b.Loop() {
		reader.Read(planes, 320, 180)
	}
}

func BenchmarkDraw1080(b *testing.B) {
	frame, _ := newFrame(1920, 1080)
	for b.Loop() {
		Draw(frame, 1, 1)
	}
}
