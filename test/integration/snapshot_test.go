package integration

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A reference is what an event says of its picture.
type reference struct {
	Path string    `json:"path"`
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	Size int64     `json:"size"`
}

// pictureWatch asks for what is burned into the newest picture, and has the nearest key frame kept.
const pictureWatch = `
  eye:
    prompt: "What is the counter?"
    model: ` + gemma + `
    every: 300ms
    snapshot: true
    schema: {type: object, properties: {counter: {type: integer}, camera: {type: integer}}, required: [counter, camera]}
    sinks: [events]
`

// startPhotographer runs an agent on two cameras, one of which is transcoded, with a program for ffmpeg that is looked for in path.
func startPhotographer(t *testing.T, s *simulator, dir, path string) *agent {
	t.Helper()
	text := s.config(dir, s.lockedCamera("yard", s.secrets.password, "eye")+s.camera("modern", "eye"), pictureWatch)
	text = strings.Replace(text, `results.jsonl"}`, `results.jsonl", snapshots: {max_bytes: 1MiB}}`, 1)
	must(t, os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o600))
	command := exec.Command(agentProgram(t), "run", "--config", filepath.Join(dir, configName))
	command.Env = append(os.Environ(), "PATH="+path)
	a := launchAgent(t, s, dir, command)
	a.waitStarted()
	return a
}

func TestResultsCarryPictures(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=720p30,modern=180p15:h265")
	a := startPhotographer(t, s, t.TempDir(), os.Getenv("PATH"))
	eventually(t, "old pictures make room for new ones", func() bool {
		return a.metric("overshoot_agent_snapshot_removed_total", "sink", "events", "reason", "size") > 0
	})
	for _, camera := range []string{"yard", "modern"} {
		eventually(t, "a JPEG of "+camera+" that shows what the answer says", func() bool {
			return a.checkPictures(camera, "image/jpeg") > 0
		})
	}
	a.checkCounted("yard")
	a.checkCounted("modern")
	a.checkBound(1 << 20)
	a.stop(syscall.SIGTERM)
	a.checkEvents()
}

func TestWithoutFFmpegPicturesAreH264(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=720p30,modern=180p15")
	dir := t.TempDir()
	a := startPhotographer(t, s, dir, t.TempDir())
	for _, camera := range []string{"yard", "modern"} {
		eventually(t, "a key frame of "+camera+" that shows what the answer says", func() bool {
			return a.checkPictures(camera, "video/h264") > 0
		})
	}
	a.checkCounted("yard")
	a.stop(syscall.SIGTERM)
	_, before := a.pictureFiles()
	if before == 0 {
		t.Error("there are no pictures")
	}

	a = startPhotographer(t, s, dir, t.TempDir())
	eventually(t, "the pictures of the run before are counted in", func() bool {
		return a.metric("overshoot_agent_snapshot_bytes", "sink", "events") >= float64(before)
	})
}

// An ffmpeg that hangs costs one result its picture. The results themselves go on, and nothing is left running.
func TestAnFFmpegThatHangsHoldsUpNoResults(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=360p30,modern=180p15")
	programs := t.TempDir()
	must(t, os.WriteFile(filepath.Join(programs, "ffmpeg"), []byte("#!/bin/sh\necho $$ >>"+programs+"/pids\nexec /bin/sleep 1000\n"), 0o755))
	a := startPhotographer(t, s, t.TempDir(), programs)
	eventually(t, "a result without its picture", func() bool {
		return a.metric("overshoot_agent_snapshot_failures_total", "camera", "yard", "reason", "ffmpeg")+
			a.metric("overshoot_agent_snapshot_failures_total", "camera", "modern", "reason", "ffmpeg") > 0
	})
	for _, camera := range []string{"yard", "modern"} {
		a.waitEvents(camera+"/eye", 10)
		eventually(t, "a key frame of "+camera+" instead", func() bool { return a.checkPictures(camera, "video/h264") > 0 })
		a.checkCounted(camera)
	}
	told := 0
	for _, line := range a.log() {
		if line.Message == "results go without their snapshots" {
			told++
		}
	}
	if told == 0 || told > 2 {
		t.Errorf("two cameras told it %d times", told)
	}
	a.stop(syscall.SIGTERM)
	a.checkEvents()
	text, err := os.ReadFile(filepath.Join(programs, "pids"))
	must(t, err)
	for _, pid := range strings.Fields(string(text)) {
		if _, _, name, there := processOf(atoi(t, pid)); there && name == "sleep" {
			t.Errorf("process %s is still there", pid)
		}
	}
}

// checkPictures looks at the newest pictures of a camera that are of a type and returns how many there are. Each has to be of about the time
// that its result was asked about: no farther away than from one key frame to the next, and a second for the way to the service.
func (a *agent) checkPictures(camera, kind string) (n int) {
	a.t.Helper()
	number, between := 1, 60
	if camera == "modern" {
		number, between = 2, 30
	}
	all := a.events(camera + "/eye")
	for _, e := range all[max(0, len(all)-5):] {
		ref := e.Data.Snapshot
		if ref == nil || ref.Type != kind {
			continue
		}
		luma := a.open(ref)
		if luma == nil {
			continue // removed meanwhile
		}
		var answer struct{ Counter int }
		must(a.t, json.Unmarshal(e.Data.Result, &answer))
		shown, from := readStrip(a.t, luma)
		if away := behind(shown, answer.Counter); from != number || away < -between-30 || away > between+30 {
			a.t.Errorf("the answer says %d, its picture shows %d of camera %d, want camera %d", answer.Counter, shown, from, number)
		}
		if away := e.Time.Sub(ref.Time).Abs(); away > 10*time.Second {
			a.t.Errorf("the picture is %v away from its result", away)
		}
		n++
	}
	return n
}

// open decodes a picture, nil when it is gone.
func (a *agent) open(ref *reference) image.Image {
	a.t.Helper()
	text, err := os.ReadFile(ref.Path)
	if os.IsNotExist(err) {
		return nil
	}
	must(a.t, err)
	if int64(len(text)) != ref.Size || !strings.HasPrefix(ref.Path, filepath.Join(a.dir, "snapshots")+"/") {
		a.t.Errorf("%d bytes are in %+v", len(text), ref)
	}
	if ref.Type == "video/h264" { // decoded with nothing but the file itself
		text, err = exec.Command("ffmpeg", "-loglevel", "error", "-f", "h264", "-i", ref.Path, "-q:v", "2", "-f", "image2pipe", "-c:v", "mjpeg", "pipe:1").Output()
		must(a.t, err)
	}
	img, err := jpeg.Decode(bytes.NewReader(text))
	must(a.t, err)
	return img
}

// readStrip reads what the simulator burns into its pictures: two rows of 32 blocks, a bit is a bright block above a dark one; 4 bits of
// sync, 4 of the camera, 16 of the counter, 8 of a checksum.
func readStrip(t *testing.T, img image.Image) (counter, camera int) {
	t.Helper()
	width, height := img.Bounds().Dx(), img.Bounds().Dy()
	block := func(column, row int) uint8 {
		return color.GrayModel.Convert(img.At((2*column+1)*width/64, (2*row+1)*height/36)).(color.Gray).Y
	}
	var bits uint32
	for column := range 32 {
		bits <<= 1
		if block(column, 0) > block(column, 1) {
			bits |= 1
		}
	}
	if bits>>28 != 0b1010 {
		t.Fatalf("a picture of %dx%d has no strip, %032b", width, height, bits)
	}
	return int(bits >> 8 & 0xffff), int(bits >> 24 & 0xf)
}

// checkCounted checks that each result of a camera has its picture, or is counted among those without.
func (a *agent) checkCounted(camera string) {
	a.t.Helper()
	missing := 0
	for _, e := range a.events(camera + "/eye") {
		if e.Data.Snapshot == nil {
			missing++
		}
	}
	failed := 0.0
	for _, reason := range []string{"key_frame", "ffmpeg", "disk", "disk_full", "disk_slow", "stopped"} {
		failed += a.metric("overshoot_agent_snapshot_failures_total", "camera", camera, "reason", reason)
	}
	if float64(missing) > failed {
		a.t.Errorf("%s: %d results have no picture, and %v are counted", camera, missing, failed)
	}
	a.t.Logf("%s: %d results, %d without a picture", camera, len(a.events(camera+"/eye")), missing)
}

// pictureFiles counts the pictures on the disk and their bytes.
func (a *agent) pictureFiles() (n int, size int64) {
	a.t.Helper()
	files, err := filepath.Glob(filepath.Join(a.dir, "snapshots", "*", "*"))
	must(a.t, err)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			n, size = n+1, size+info.Size()
		}
	}
	return n, size
}

// checkBound looks at the folder of pictures again and again while new ones come: one is being written beside those that are counted.
func (a *agent) checkBound(most int64) {
	a.t.Helper()
	for range 20 {
		if n, size := a.pictureFiles(); size > most+most/4 {
			a.t.Errorf("%d pictures have %d bytes, more than %d", n, size, most)
		}
		a.waitEvents("yard/eye", 1)
	}
}
