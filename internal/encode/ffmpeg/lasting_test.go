package ffmpeg

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
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
	job := encode.Job{Codec: camera.MJPEG, Bitrate: 4_500_000}
	input := ivfStart(job)
	for i := range pictures {
		input = append(input, framed(encode.NewFrame(shots[i%len(shots)], int64(i)*encode.Hertz/15, false))...)
	}
	program, err := child.Find("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	x264 := codecs()[len(codecs())-1] // the one that works everywhere
	var sizes []int
	same := func(text string) string { return text }
	ts, err := child.Convert(t.Context(), child.Command{Program: program, Args: arguments(x264, job), Env: child.Environment()}, input, 1<<30, same)
	if err == nil {
		err = new(demuxer).run(bytes.NewReader(ts), func(picture []byte, _ uint64) { sizes = append(sizes, len(picture)) })
	}
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
