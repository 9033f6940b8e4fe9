package encode_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"golang.org/x/sys/unix"
)

// confined in the environment makes the test binary become ffmpeg in a process that may not make code at run time.
const confined = "ENCODE_TEST_CONFINED"

// execConfined returns only if it failed. Kernels before 6.3 cannot confine a process so; there the test shows less.
func execConfined(args []string) error {
	_ = unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return err
	}
	return syscall.Exec(program, append([]string{"ffmpeg"}, args...), os.Environ())
}

// Our systemd unit denies the agent, and so its children, memory that is first written and then executed. MJPEG of the size that is wanted
// is what ffmpeg's fast_bilinear makes code for.
func TestTheEncoderMakesNoCodeAtRunTime(t *testing.T) {
	program := standIn(t, "*) "+confined+"=1 exec "+os.Args[0]+" \"$@\";;")
	r := start(t, encode.Options{Codec: camera.MJPEG, MaxHeight: 720, Encoders: encode.NewEncoders(ffmpeg.New(program, unscrubbed))})
	r.write(jpegs("1280x720", 4).make(t, 0))
	eventually(t, "an outcome", func() bool { return r.metric(t, "frames_out_total") == 4 || r.metric(t, "restarts_total") > 0 })
	if got := r.metric(t, "restarts_total"); got > 0 {
		t.Errorf("%v encoders failed", got)
	}
}
