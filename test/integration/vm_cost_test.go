//go:build vm

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	measured = 10 * time.Second
	tick     = time.Second / 100 // of the CPU times in /proc, on every Linux

	// aloneFile gets the CPU time of ffmpegAlone at the beginning and at the end of the time that is measured.
	aloneFile = "ffmpeg-alone.txt"
)

// sameSettings are those with which the agent's own ffmpeg encodes, and packets on the network as the end.
const sameSettings = "-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -threads 2 -crf 25 -maxrate 1M -bufsize 1M " +
	"-pix_fmt yuv420p -g 20 -f rtp rtp://127.0.0.1:9"

// ffmpegAlone does the agent's job in the VM without an agent, from device to packets, and is measured when it has come to rest.
const ffmpegAlone = "ffmpeg -v error -f v4l2 -input_format yuyv422 -framerate 10 -video_size 640x480 -i /dev/video0 " + sameSettings +
	" >/dev/null 2>&1 & sleep 4; cut -d' ' -f14,15 /proc/$!/stat >/share/" + aloneFile + "; sleep %d; cut -d' ' -f14,15 /proc/$!/stat >>/share/" +
	aloneFile + "; kill $!; wait $!"

// What a camera costs beside what ffmpeg takes for the same job. The CPU is emulated and the picture has no noise, so this says less about real
// cameras than TestVMCostOfEncoding.
func TestVMCost(t *testing.T) {
	s := startSimulator(t, "yard=180p15", "--no-decode")
	h := hardware{modules: webcam, files: "ffmpeg", prepare: fmt.Sprintf(ffmpegAlone, int(measured.Seconds()))}
	m := startMachine(t, s, h, v4l2Camera("lens", "/dev/video0", "yuyv", 640, 480), lensWatch)
	m.waitPart("lens", "publisher", "live")
	m.firstPictureAfter(s, "lens", time.Now().Add(4*time.Second))

	stream := m.held()["lens"]
	before, pictures := m.cpu(), s.newest(stream).Index
	time.Sleep(measured)
	after, pictures := m.cpu(), s.newest(stream).Index-pictures
	if want := int64(10 * measured / time.Second * 9 / 10); pictures < want {
		t.Errorf("%d pictures arrived in %v, want %d: this machine was too busy to measure anything", pictures, measured, want)
	}
	judge(t, "640x480 YUYV at 10 fps from a device, emulated CPU", after.minus(before), readAlone(t, filepath.Join(m.dir, aloneFile)))
	m.end(s)
}

// The same with JPEG files, here on a real CPU, where the agent and the ffmpeg beside it play the same file at the same time. What is missing is
// the device, from which a picture takes one system call and one copy. With four cameras it shows what each of them costs; a single one also pays
// for what an agent does anyway.
func TestVMCostOfEncoding(t *testing.T) {
	for _, c := range []struct {
		size    string
		fps     int
		cameras int
	}{{"640x480", 30, 1}, {"640x480", 30, 4}, {"1280x720", 15, 1}, {"1280x720", 15, 4}} {
		t.Run(fmt.Sprintf("%s by %d", c.size, c.cameras), func(t *testing.T) {
			rate := fmt.Sprint(c.fps)
			feed := makeFeed(t, "-r", rate, "-s", c.size, "-c:v", "mjpeg", "-q:v", "4", "-f", "mjpeg")
			s := startSimulatorWith(t, "yard=180p15", []string{"main,max_streams=4"}, "--no-decode")
			a := playTogether(t, s, feed, rate, c.cameras)
			time.Sleep(3 * time.Second)

			alone := playAlone(t, feed, rate)
			encoders := func() (sum time.Duration) {
				for _, child := range a.transcoders() {
					sum += cpuOf(t, child.pid)
				}
				return sum
			}
			before, aloneBefore := cpuTime{cpuOf(t, a.cmd.Process.Pid), encoders()}, cpuOf(t, alone)
			time.Sleep(measured)
			after, aloneAfter := cpuTime{cpuOf(t, a.cmd.Process.Pid), encoders()}, cpuOf(t, alone)
			judge(t, fmt.Sprintf("%s JPEG files at %s fps, each of %d", c.size, rate, c.cameras), after.minus(before).of(c.cameras), aloneAfter-aloneBefore)
		})
	}
}

// playTogether starts an agent whose cameras all play a file.
func playTogether(t *testing.T, s *simulator, feed, rate string, cameras int) *agent {
	t.Helper()
	var text strings.Builder
	for i := range cameras {
		fmt.Fprintf(&text, "  - {name: lens-%d, source: {type: file, path: %q, fps: %s}, watches: [lens]}\n", i, feed, rate)
	}
	a := startAgentWith(t, s, text.String(), lensWatch, func(config string) string {
		return strings.Replace(config, "max_streams: 2", "max_streams: 4", 1)
	})
	for i := range cameras {
		a.waitPart(fmt.Sprintf("lens-%d", i), "publisher", "live")
	}
	return a
}

// playAlone encodes a row of JPEG files with an ffmpeg of its own, and returns its process when it has come to rest.
func playAlone(t *testing.T, feed, rate string) (process int) {
	t.Helper()
	args := []string{"-v", "error", "-re", "-stream_loop", "-1", "-f", "mjpeg", "-framerate", rate, "-i", feed}
	alone := exec.Command("ffmpeg", append(args, strings.Fields(sameSettings)...)...)
	alone.SysProcAttr = die()
	must(t, alone.Start())
	t.Cleanup(func() {
		_ = alone.Process.Kill()
		_ = alone.Wait()
	})
	time.Sleep(3 * time.Second)
	return alone.Process.Pid
}

func cpuOf(t *testing.T, process int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	must(t, err)
	return sumTicks(t, strings.Fields(string(stat))[13:15])
}

// judge prints a figure against what was promised. It fails only far above it: see durations.report.
func judge(t *testing.T, what string, used cpuTime, alone time.Duration) {
	t.Helper()
	ratio := float64(used.agent+used.encoder) / float64(alone)
	t.Logf("%s, CPU time in %v: agent %v, its encoder %v, ffmpeg alone %v, ratio %.2f (promised: 1.15)", what, measured, used.agent, used.encoder, alone, ratio)
	if ratio > 3 {
		t.Error("that is far from what was promised")
	}
}

// A cpuTime is what an agent and the processes that it started have used.
type cpuTime struct{ agent, encoder time.Duration }

func (c cpuTime) minus(before cpuTime) cpuTime {
	return cpuTime{c.agent - before.agent, c.encoder - before.encoder}
}

// of is what one of so many cameras has used.
func (c cpuTime) of(cameras int) cpuTime {
	return cpuTime{c.agent / time.Duration(cameras), c.encoder / time.Duration(cameras)}
}

func (m *machine) cpu() cpuTime {
	m.t.Helper()
	id := m.process()
	stats := func(processes string) time.Duration {
		return sumTicks(m.t, strings.Fields(m.do(fmt.Sprintf("for p in %s; do cut -d' ' -f14,15 /proc/$p/stat; done", processes))))
	}
	return cpuTime{stats(fmt.Sprint(id)), stats(fmt.Sprintf("$(cat /proc/%d/task/*/children)", id))}
}

func readAlone(t *testing.T, path string) time.Duration {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	fields := strings.Fields(string(text))
	if len(fields) != 4 {
		t.Fatalf("ffmpeg alone did not get so far: %q", text)
	}
	return sumTicks(t, fields[2:]) - sumTicks(t, fields[:2])
}

func sumTicks(t *testing.T, fields []string) (sum time.Duration) {
	t.Helper()
	for _, field := range fields {
		sum += time.Duration(atoi(t, field)) * tick
	}
	return sum
}
