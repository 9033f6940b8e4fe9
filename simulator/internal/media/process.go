package media

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/child"
)

const (
	decodedWidth  = 320 // what ffmpeg scales to: the strip stays legible and reading costs little
	decodedHeight = 180
	decodedSize   = decodedWidth * decodedHeight * 3 / 2

	maxBehind = 300             // pictures, 10 s at 30 pictures/s
	patience  = 5 * time.Second // with a child that takes no input or does not end
)

// A process is one ffmpeg child.
type process struct {
	decoder       *decoder
	child         *child.Process
	input, output *os.File
	width, height int       // of the coded pictures
	pending       chan unit // fed and not yet decoded, in order
	failure       sync.Once
	failed        chan struct{}
	finishing     atomic.Bool
	behind        int // pictures in a row that came out while others were waiting
	outputDone    chan struct{}
}

// startProcess returns nil when ffmpeg cannot be started, which is logged. first is the key frame that it will begin with.
func (d *decoder) startProcess(first unit) *process {
	p := &process{
		decoder: d, width: first.width, height: first.height,
		pending: make(chan unit, 4*queueLength), failed: make(chan struct{}), outputDone: make(chan struct{}),
	}
	if err := p.start(); err != nil {
		d.room.log.Error("cannot decode", zap.Error(err))
		d.room.stats.add(func(s *Stats) { s.DecodeErrors++ })
		return nil
	}
	go p.readPictures()
	return p
}

// start starts the child between two pipes.
func (p *process) start() error {
	stdin, input, err := os.Pipe()
	if err != nil {
		return err
	}
	output, stdout, err := os.Pipe()
	if err != nil {
		closeAll(stdin, input)
		return err
	}
	cmd := exec.Command(p.decoder.ffmpeg, decoderArgs()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, complaints{p}
	p.child, err = child.Start(cmd)
	closeAll(stdin, stdout)
	if err != nil {
		closeAll(input, output)
		return err
	}
	p.input, p.output = input, output
	return nil
}

func closeAll(files ...*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

// decoderArgs make ffmpeg give every picture back at once: no probing, no delay for reordering, no second thread that
// would hold a picture back, no dropping or doubling of pictures for the sake of a frame rate. The output is YUV4MPEG2
// because ffmpeg's rawvideo muxer holds the newest picture back until the next one. (Do not add -fflags nobuffer: it
// drops the pictures that ffmpeg looked at to see what they are, the key frame among them.)
func decoderArgs() []string {
	return []string{
		"-hide_banner", "-loglevel", "error", "-nostdin",
		"-probesize", "32", "-analyzeduration", "0", "-flags", "low_delay", "-threads", "1",
		"-f", "h264", "-i", "pipe:0",
		"-fps_mode", "passthrough", "-filter_threads", "1",
		"-vf", "scale=" + strconv.Itoa(decodedWidth) + ":" + strconv.Itoa(decodedHeight) + ":flags=fast_bilinear",
		"-pix_fmt", "yuv420p", "-flush_packets", "1", "-f", "yuv4mpegpipe", "pipe:1",
	}
}

var (
	startCode = []byte{0, 0, 0, 1}
	// An access unit delimiter after a unit tells ffmpeg's parser that the unit is complete; it would wait for the next one otherwise.
	delimiter = []byte{0, 0, 0, 1, 9, 0xF0}
)

// feed writes a unit to the child. It blocks while the child is busy, up to patience.
func (p *process) feed(u unit) {
	select {
	case p.pending <- u:
	default:
		p.fail("it gives back no pictures")
		return
	}
	stream := make([]byte, 0, u.size+len(startCode)*len(u.nals)+len(delimiter))
	for _, nal := range u.nals {
		stream = append(append(stream, startCode...), nal...)
	}
	_ = p.input.SetWriteDeadline(time.Now().Add(patience)) // a pipe takes deadlines
	if _, err := p.input.Write(append(stream, delimiter...)); err != nil {
		p.fail(err.Error())
	}
}

// readPictures reports every picture that comes out, with the unit that it was made of.
func (p *process) readPictures() {
	defer close(p.outputDone)
	output := bufio.NewReader(p.output)
	if _, err := output.ReadSlice('\n'); err != nil { // YUV4MPEG2 and what was asked for in decoderArgs
		return
	}
	planes := make([]byte, decodedSize)
	for {
		if _, err := output.ReadSlice('\n'); err != nil { // FRAME
			return
		}
		if _, err := io.ReadFull(output, planes); err != nil {
			return
		}
		u := <-p.pending
		p.checkPace()
		if p.broken() {
			continue // it is not certain any more which unit this picture was made of
		}
		p.report(u, planes)
	}
}

// checkPace fails a child that left out a picture without a word: something is pending after every picture, while a child
// that gives all back catches up now and then.
func (p *process) checkPace() {
	if len(p.pending) == 0 {
		p.behind = 0
		return
	}
	if p.behind++; p.behind >= maxBehind {
		p.fail("it gives back fewer pictures than it gets")
	}
}

func (p *process) report(u unit, planes []byte) {
	reading := p.decoder.reader.Read(planes, decodedWidth, decodedHeight)
	reading.Width, reading.Height = p.width, p.height
	p.decoder.chain.check(reading, &p.decoder.room.stats)
	p.decoder.room.report(Frame{At: u.at, Key: u.key, Bytes: u.size, Reading: reading, Decoded: true})
}

// finish has the child decode what it has, and waits for its end. It may be called on nil.
func (p *process) finish() {
	if p == nil {
		return
	}
	p.finishing.Store(true)
	_ = p.input.Close()
	if p.broken() {
		p.child.Kill()
	}
	late := time.AfterFunc(patience, p.child.Kill)
	defer late.Stop()
	<-p.outputDone
	<-p.child.Done()
	_ = p.output.Close()
}

func (p *process) broken() bool {
	select {
	case <-p.failed:
		return true
	default:
		return false
	}
}

// fail marks the child as one to replace at the next key frame.
func (p *process) fail(complaint string) {
	p.failure.Do(func() {
		close(p.failed)
		p.decoder.room.log.Warn("decoder failed, will start another one", zap.String("complaint", complaint))
		p.decoder.room.stats.add(func(s *Stats) { s.DecodeErrors++ })
	})
}

// complaints takes what the child writes to standard error.
type complaints struct{ process *process }

func (c complaints) Write(text []byte) (int, error) {
	// At the end of its input it complains that the last delimiter has no picture.
	if !c.process.finishing.Load() {
		c.process.fail(string(bytes.TrimSpace(text)))
	}
	return len(text), nil
}
