package v4l2

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrAgain says that nothing is ready, and that waiting may help.
var ErrAgain = errors.New("nothing is ready yet")

// memoryMapped is the one kind of memory that all drivers have (V4L2_MEMORY_MMAP).
const memoryMapped = 1

func isMultiplanar(kind uint32) bool { return kind >= 9 }

// A queue is what both directions share: buffers of the driver, mapped into the process.
type queue struct {
	d      *Device
	kind   uint32
	memory [][][]byte // by buffer and plane
	closed bool
	msg    message
	planes [maxPlanes][]byte // of the buffer in hand
}

// A message is a buffer with its planes, as both go to the kernel and back.
type message struct {
	buffer buffer
	planes [maxPlanes]plane
}

// newQueue has the driver make buffers and maps them. The driver may make more or fewer than asked for.
func (d *Device) newQueue(s Side, buffers int) (*queue, error) {
	q := &queue{d: d, kind: d.kind(s)}
	r := requestBuffers{Count: uint32(buffers), Kind: q.kind, Memory: memoryMapped}
	if err := call(d, reqBufs, &r); err != nil {
		return nil, err
	}
	if err := q.mapAll(r.Count); err != nil {
		return nil, errors.Join(err, q.close())
	}
	d.queues = append(slices.DeleteFunc(d.queues, func(q *queue) bool { return q.closed }), q)
	return q, nil
}

func (q *queue) mapAll(buffers uint32) error {
	if buffers == 0 {
		return fmt.Errorf("%s: %s: the driver made no buffers", q.d.path, reqBufs.name)
	}
	for i := range buffers {
		q.reset(i)
		if err := q.send(queryBuf); err != nil {
			return q.d.failed(queryBuf, err)
		}
		q.memory = append(q.memory, nil)
		for _, place := range q.places() {
			m, err := unix.Mmap(q.d.fd, int64(place.offset), int(place.length), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			if err != nil {
				return fmt.Errorf("%s: mapping %d bytes of a buffer: %w", q.d.path, place.length, err)
			}
			q.memory[i] = append(q.memory[i], m)
		}
	}
	return nil
}

// A place is where the memory of a plane can be mapped.
type place struct{ offset, length uint32 }

func (q *queue) places() []place {
	b := &q.msg.buffer
	if !isMultiplanar(q.kind) {
		return []place{{uint32(b.Where), b.Length}}
	}
	var all []place
	for _, p := range q.msg.planes[:min(b.Length, maxPlanes)] {
		all = append(all, place{uint32(p.Offset), p.Length})
	}
	return all
}

// reset empties the message for one buffer.
func (q *queue) reset(index uint32) {
	q.msg = message{buffer: buffer{Index: index, Kind: q.kind, Memory: memoryMapped}}
}

// send makes a request with the message, and returns the bare errno.
func (q *queue) send(r request) error {
	if !isMultiplanar(q.kind) {
		return ioctl(q.d.fd, r, &q.msg.buffer)
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&q.msg)
	q.msg.buffer.Where = uintptr(unsafe.Pointer(&q.msg.planes))
	if q.msg.buffer.Length == 0 {
		q.msg.buffer.Length = maxPlanes
	}
	return ioctl(q.d.fd, r, &q.msg.buffer)
}

// dequeue takes a buffer back from the driver; the message then describes it.
func (q *queue) dequeue() error {
	q.reset(0)
	err := q.send(dequeueBuf)
	if err == nil && int(q.msg.buffer.Index) >= len(q.memory) {
		return fmt.Errorf("%s: %s: the driver returned buffer %d of %d", q.d.path, dequeueBuf.name, q.msg.buffer.Index, len(q.memory))
	}
	return err
}

func (q *queue) stream(r request) error {
	kind := q.kind
	return call(q.d, r, &kind)
}

// close stops the queue, unmaps its memory and has the driver free it. Of a device that is gone nothing but the mapping is left to be freed.
func (q *queue) close() error {
	if q.closed {
		return nil
	}
	q.closed = true
	failures := []error{alive(q.stream(streamOff))}
	for _, planes := range q.memory {
		for _, m := range planes {
			failures = append(failures, unix.Munmap(m))
		}
	}
	q.memory = nil
	return errors.Join(append(failures, alive(call(q.d, reqBufs, &requestBuffers{Kind: q.kind, Memory: memoryMapped})))...)
}

// alive leaves out what a device says that is gone.
func alive(err error) error {
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}
