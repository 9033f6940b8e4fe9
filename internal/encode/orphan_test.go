package encode_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child/childtest"

	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// asAgent in the environment makes the test binary an agent that transcodes with the program it names until it is killed.
const asAgent = "ENCODE_TEST_AS_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(confined) != "" {
		fmt.Fprintln(os.Stderr, execConfined(os.Args[1:]))
		os.Exit(1)
	}
	if program := os.Getenv(asAgent); program != "" {
		err := encode.New(encode.Options{
			Codec: camera.H265, Encoders: encode.NewEncoders(ffmpeg.New(program, unscrubbed)), Log: zap.NewNop(),
			Metrics: encode.NewVectors(prometheus.NewRegistry()).Camera("yard"),
		}).Run(context.Background(), nil)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// The end of its input would end ffmpeg as well, but not one that hangs.
func TestTheChildDiesWithAnAgentThatIsKilled(t *testing.T) {
	agent := exec.Command(os.Args[0])
	agent.Env = append(os.Environ(), asAgent+"="+standIn(t, `*"-c:v hevc"*) exec sleep 3601;;`))
	agent.Stderr = os.Stderr
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	var id int
	eventually(t, "a child", func() bool {
		for child, line := range childtest.Of(t, agent.Process.Pid) {
			if strings.Contains(line, "sleep 3601") {
				id = child
			}
		}
		return id != 0
	})
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait()
	eventually(t, "the end of its child", func() bool { return !childtest.Runs(id) })
}

func TestWhatTheChildStartedDiesWithIt(t *testing.T) {
	notes := t.TempDir() + "/notes"
	program := standIn(t, `*"-c:v hevc"*) sleep 3600 & echo $! >`+notes+`; wait;;`)
	r := start(t, encode.Options{Codec: camera.H265, Encoders: encode.NewEncoders(ffmpeg.New(program, unscrubbed))})
	var id int
	eventually(t, "a grandchild", func() bool {
		text, _ := os.ReadFile(notes)
		n, _ := fmt.Sscan(string(text), &id)
		return n == 1
	})
	_ = r.stop()
	eventually(t, "its end", func() bool { return !childtest.Runs(id) })
}
