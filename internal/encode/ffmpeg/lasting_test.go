package encode

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child"
)

// noise is a picture that costs an encoder as many bits as it may use.
func noise(t *testing.T, random *rand.Rand) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 320, 180))
	for i := range img.Pix {
		img.Pix[i] = uint8(random.UintN(256))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// An encoder that is wrong about the rate of the pictures uses up its bits, and makes flat ones from then on, for ever.
func TestPicturesStayGoodForLong(t *testing.T) {
	const pictures, some = 300, 10 // twenty seconds at 15 in a second
	random := rand.New(rand.NewPCG(1, 2))
	var shots [10][]byte
	for i := range shots {
		shots[i] = noise(t, random)
	}
	input := ivfStart()
	for i := range pictures {
		f := frame{data: append(make([]byte, ivfFrameHeader), shots[i%len(shots)]...)}
		f.complete(int64(i) * hertz / 15)
		input = append(input, f.data...)
	}
	program, err := child.Find("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	e := encoders()[len(encoders())-1] // the one that works everywhere
	var sizes []int
	err = exchange(context.Background(), program, arguments(e, Options{Codec: camera.MJPEG}), input, func(s string) string { return s }, func(out io.Reader) error {
		return new(demuxer).run(out, func(picture []byte, _ uint64) { sizes = append(sizes, len(picture)) })
	})
	if err != nil || len(sizes) != pictures {
		t.Fatalf("of %d pictures it made %d: %v", pictures, len(sizes), err)
	}
	first, last := sum(sizes[:some]), sum(sizes[pictures-some:])
	if last < first/2 {
		t.Errorf("%d pictures had %d bytes in the beginning, and %d in the end", some, first, last)
	}
}

func sum(all []int) (total int) {
	for _, n := range all {
		total += n
	}
	return total
}
