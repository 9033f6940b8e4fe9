package v4l2

import (
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// A Picture is one buffer that a device has filled. Its memory belongs to the driver again when the function that was given it returns.
type Picture struct {
	Planes    [][]byte      // what was filled, one for each plane of the format; may be shorter than the format says when Broken, and empty when Last
	Timestamp time.Duration // of capture; of an encoder, what OutputQueue.Write was given
	Monotonic bool          // Timestamp is of CLOCK_MONOTONIC; without it and without an encoder it means nothing
	Sequence  uint32        // counts pictures as the device sees them: a gap is what was lost
	Broken    bool          // the driver knows that it is damaged (V4L2_BUF_FLAG_ERROR)
	Key       bool          // of an encoder: a key frame
	Last      bool          // of an encoder that is drained: the last one
}

// A CaptureQueue is the pictures that come from a device. All buffers are the driver's but for the one that Read hands on.
type CaptureQueue struct{ queue *queue }

// CaptureQueue has the driver make buffers for the pictures that come from it, in the format that is set; it may make more or fewer. Fewer than
// three lose pictures. The format cannot be changed until the queue is closed.
func (d *Device) CaptureQueue(buffers int) (*CaptureQueue, error) {
	q, err := d.newQueue(Capture, buffers)
	if err != nil {
		return nil, err
	}
	return &CaptureQueue{q}, nil
}

// Buffers is how many the driver made.
func (c *CaptureQueue) Buffers() int { return len(c.queue.memory) }

// Start gives all buffers to the driver and lets pictures come. ENOSPC: the USB bus has not enough left for this size and pace.
func (c *CaptureQueue) Start() error {
	for i := range c.queue.memory {
		if err := c.enqueue(uint32(i)); err != nil {
			return err
		}
	}
	return c.queue.stream(streamOn)
}

// Stop ends the pictures and takes all buffers back. Start begins anew.
func (c *CaptureQueue) Stop() error { return c.queue.stream(streamOff) }

// Close stops, unmaps and frees everything. The second time it does nothing.
func (c *CaptureQueue) Close() error { return c.queue.close() }

// Read takes the next picture without waiting, calls use with it, and gives the buffer back to the driver whatever use does, returning its
// error. It returns ErrAgain where no picture is ready, io.EOF after the last one of a drained encoder, ENODEV when the device is gone, EIO
// when it failed.
func (c *CaptureQueue) Read(use func(Picture) error) (err error) {
	switch err := c.queue.dequeue(); {
	case err == unix.EAGAIN:
		return ErrAgain
	case err == unix.EPIPE:
		return io.EOF
	case err != nil:
		return c.queue.d.failed(dequeueBuf, err)
	}
	picture, index := c.picture(), c.queue.msg.buffer.Index
	defer func() {
		if back := c.enqueue(index); back != nil {
			err = errors.Join(err, back)
		}
	}()
	return use(picture)
}

func (c *CaptureQueue) enqueue(index uint32) error {
	c.queue.reset(index)
	if err := c.queue.send(queueBuf); err != nil {
		return c.queue.d.failed(queueBuf, err)
	}
	return nil
}

// picture is what the message says that was dequeued.
func (c *CaptureQueue) picture() Picture {
	const key, broken, last, clock, monotonic = 0x8, 0x40, 0x100000, 0xe000, 0x2000 // V4L2_BUF_FLAG_
	b := &c.queue.msg.buffer
	return Picture{
		Planes:    c.queue.filled(),
		Timestamp: time.Duration(b.Timestamp.Nano()),
		Monotonic: b.Flags&clock == monotonic,
		Sequence:  b.Sequence,
		Broken:    b.Flags&broken != 0,
		Key:       b.Flags&key != 0,
		Last:      b.Flags&last != 0,
	}
}

// filled is the used part of each plane of the buffer in hand. What a driver says is held against what was mapped.
func (q *queue) filled() [][]byte {
	b := &q.msg.buffer
	memory := q.memory[b.Index]
	for i, m := range memory {
		begin, end := uint32(0), b.BytesUsed
		if isMultiplanar(q.kind) {
			begin, end = q.msg.planes[i].DataOffset, q.msg.planes[i].BytesUsed
		}
		end = min(end, uint32(len(m)))
		q.planes[i] = m[min(begin, end):end:end]
	}
	return q.planes[:len(memory)]
}
