package v4l2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sys/unix"
)

const (
	// buffers are how many pictures the driver may fill while one is delivered. A picture that waits grows old, so more would help nobody.
	buffers = 4

	// lull is how long to sleep for a picture before the device is asked all the same. Drivers have been seen that forgot to wake who waits.
	lull = time.Second

	// settling is how long a device that has just appeared may be forbidden: the system gives out rights a moment later.
	settling = 2 * time.Second

	// silence is how long a camera that has given pictures may give none, or four of its own beats if that is more. Nobody tells of a driver that
	// stands still; the watchdog, which knows nothing of devices, would notice later.
	silence = 3 * time.Second

	// hopeless is how many pictures in a row may be damaged.
	hopeless = 30
)

// A visit is one attempt with the device open. It belongs to one goroutine.
type visit struct {
	source *Source
	to     camera.Receiver
	device *kernel.Device
	queue  *kernel.CaptureQueue
	why    kernel.Reason // it may not be a camera; empty for a good one
	events kernel.Events // to wait for

	delivery delivery
	sequence sequence
	clock    clock
	pace     pace
	lost     int // pictures since the last one that was delivered
	damaged  int // of them, those that we saw, in a row

	patience time.Duration // see silence
	came     time.Time     // when the last picture did; zero before the first
}

func (v *visit) run(ctx context.Context, path string) (err error) {
	if v.device, err = open(ctx, path); err != nil {
		return v.source.fault(path, "", err)
	}
	defer func() { _ = v.device.Close() }() // of a device that is gone or failed there is nothing to be told but that
	v.source.opened(path, v.device.Info())
	got, err := v.setUp()
	if err != nil {
		return v.source.fault(path, "setting the format", err)
	}
	if err := v.start(got); err != nil {
		return v.source.fault(path, fmt.Sprintf("starting %s", got), err)
	}
	v.source.place.remember(path)
	v.begin(got)
	return v.source.fault(path, "waiting for pictures", v.stream(ctx))
}

// open opens a device.
func open(ctx context.Context, path string) (*kernel.Device, error) {
	for since := time.Now(); ; {
		d, err := kernel.Open(path)
		if !errors.Is(err, unix.EACCES) || time.Since(since) > settling || !retry.Sleep(ctx, lookEvery/5) {
			return d, err
		}
	}
}

// setUp makes the device ready to deliver.
func (v *visit) setUp() (choice, error) {
	s := v.source
	o, err := v.ask()
	if err != nil {
		return choice{}, err
	}
	s.offered(o)
	got, err := setUp(v.device, s.wish, o)
	if err != nil {
		return choice{}, err
	}
	s.chosen(got)
	s.control(v.device)
	if got.pixel.codec == camera.H264 {
		tune(v.device, got.fps)
	}
	return got, nil
}

// ask finds out what the device is, and what it can deliver.
func (v *visit) ask() (offer, error) {
	formats, err := v.device.Formats(kernel.Capture)
	if err != nil && !silent(err) {
		return offer{}, err
	}
	v.why = kernel.Judge(v.device.Info(), formats)
	if err := refusal(v.device.Info(), v.why); err != nil {
		return offer{}, err
	}
	return offerOf(v.device, formats, v.source.wish)
}

// start lets pictures come.
func (v *visit) start(got choice) (err error) {
	v.events = kernel.Readable
	if v.device.Subscribe(kernel.EventSourceChange) == nil { // few have it
		v.events |= kernel.Eventful
	}
	if v.queue, err = v.device.CaptureQueue(buffers); err != nil {
		return err
	}
	if err := v.queue.Start(); err != nil {
		return unready(v.why, err)
	}
	if got.pixel.codec == camera.H264 {
		wakeEncoder(v.device)
	}
	return nil
}

// begin says what comes.
func (v *visit) begin(got choice) {
	says := camera.Format{Codec: got.pixel.codec}
	var l layout
	if says.Codec.Raw() {
		l = layoutOf(says.Codec, got.size, got.stride)
		says.Width, says.Height = l.size.width, l.size.height
	}
	v.patience = silence
	if got.fps > 0 {
		v.patience = max(silence, time.Duration(4/got.fps*float64(time.Second)))
	}
	v.delivery, v.pace = newDelivery(v.to, says.Codec, l), newPace(v.source.wish, got)
	v.to.Begin(says)
}

// stream delivers pictures until ctx ends or the device fails.
func (v *visit) stream(ctx context.Context) error {
	for {
		got, err := v.device.Wait(ctx, v.events, lull)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if got&kernel.Eventful != 0 {
			if err := v.news(); err != nil {
				return err
			}
		}
		if err := v.queue.Read(v.take); err != nil && !errors.Is(err, kernel.ErrAgain) {
			return err
		}
		if !v.came.IsZero() && time.Since(v.came) > v.patience {
			return &camera.Fault{
				Reason: camera.Stalled, Err: fmt.Errorf("it gave no picture for %v", v.patience),
				Advice: "opening it again; if this happens often, try another port, without a hub between, or lower fps",
			}
		}
	}
}

// news ends the session when the camera's pictures are of another size from now on: it is set up anew then.
func (v *visit) news() error {
	e, err := v.device.Event()
	switch {
	case errors.Is(err, kernel.ErrAgain):
		return nil
	case err != nil:
		return err
	case e.Kind != kernel.EventSourceChange:
		return nil
	}
	return &camera.Fault{Reason: camera.Closed, Err: errors.New("the signal changed"), Advice: "opening the camera anew for it"}
}

// take delivers a picture, or counts it when it is damaged.
func (v *visit) take(p kernel.Picture) error {
	v.came = time.Now()
	v.lost += v.sequence.lost(p.Sequence)
	at := v.clock.at(taken(p), monotonic())
	if v.pace.early(at) {
		return nil
	}
	if !p.Broken && v.delivery.deliver(p.Planes[0], ticks(at), v.lost) {
		v.lost, v.damaged = 0, 0
		v.pace.used(at)
		return nil
	}
	v.lost++
	if v.damaged++; v.damaged < hopeless {
		return nil
	}
	return &camera.Fault{
		Reason: camera.Protocol, Err: fmt.Errorf("%d pictures in a row were damaged, the last of %d bytes", v.damaged, len(p.Planes[0])),
		Advice: "try another cable and another port, without a hub between",
	}
}
