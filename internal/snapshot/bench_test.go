package snapshot

import (
	"os/exec"
	"testing"
	"time"
)

// BenchmarkKeep is what one result with a picture of a camera with 1080 lines waits for, as JPEG and as H.264.
func BenchmarkKeep(b *testing.B) {
	for _, program := range []string{"ffmpeg", nowhere} {
		b.Run(program, func(b *testing.B) {
			frame, err := exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=1920x1080",
				"-frames:v", "1", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "h264", "pipe:1").Output()
			if err != nil {
				b.Fatal(err)
			}
			o := newOne(b, program, frame)
			for b.Loop() {
				o.frame.Time = o.frame.Time.Add(time.Millisecond)
				if o.keep("id") == nil {
					b.Fatal(o.log.All())
				}
			}
		})
	}
}
