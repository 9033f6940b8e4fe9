package v4l2

import (
	"time"

	"golang.org/x/sys/unix"
)

// An OutputQueue is the pictures that go to a device: an encoder's input, or a loopback.
type OutputQueue struct {
	queue *queue
	free  []uint32 // the buffers that are ours
}

// OutputQueue has the driver make buffers for the pictures that go to it, in the format that is set; it may make more or fewer.
func (d *Device) OutputQueue(buffers int) (*OutputQueue, error) {
	q, err := d.newQueue(Output, buffers)
	if err != nil {
		return nil, err
	}
	o := &OutputQueue{queue: q}
	o.takeAll()
	return o, nil
}

func (o *OutputQueue) takeAll() {
	o.free = o.free[:0]
	for i := range o.queue.memory {
		o.free = append(o.free, uint32(i))
	}
}

// Buffers is how many the driver made.
func (o *OutputQueue) Buffers() int { return len(o.queue.memory) }

// Start lets pictures go.
func (o *OutputQueue) Start() error { return o.queue.stream(streamOn) }

// Stop drops what the device still has and takes all buffers back. Start begins anew.
func (o *OutputQueue) Stop() error {
	err := o.queue.stream(streamOff)
	o.takeAll()
	return err
}

// Close stops, unmaps and frees everything. The second time it does nothing.
func (o *OutputQueue) Close() error {
	o.free = nil
	return o.queue.close()
}

// Write hands one picture to the device without waiting. It calls fill with the memory of a free buffer, as much as was mapped of each plane;
// fill writes the picture and cuts each element to what it used. It returns ErrAgain, without calling fill, where the device has all buffers,
// and fill's error, after which nothing was sent. The timestamp comes back with what an encoder makes of it, in whole microseconds.
func (o *OutputQueue) Write(timestamp time.Duration, fill func(planes [][]byte) error) error {
	if err := o.reclaim(); err != nil {
		return err
	}
	if len(o.free) == 0 {
		return ErrAgain
	}
	last := len(o.free) - 1
	index := o.free[last]
	planes := o.queue.planes[:copy(o.queue.planes[:], o.queue.memory[index])]
	if err := fill(planes); err != nil {
		return err
	}
	if err := o.enqueue(index, timestamp, planes); err != nil {
		return err
	}
	o.free = o.free[:last]
	return nil
}

// Busy is how many buffers the device has.
func (o *OutputQueue) Busy() (int, error) {
	err := o.reclaim()
	return len(o.queue.memory) - len(o.free), err
}

// reclaim takes back what the device is done with.
func (o *OutputQueue) reclaim() error {
	for len(o.free) < len(o.queue.memory) {
		switch err := o.queue.dequeue(); err {
		case nil:
			o.free = append(o.free, o.queue.msg.buffer.Index)
		case unix.EAGAIN:
			return nil
		default:
			return o.queue.d.failed(dequeueBuf, err)
		}
	}
	return nil
}

func (o *OutputQueue) enqueue(index uint32, timestamp time.Duration, planes [][]byte) error {
	q := o.queue
	q.reset(index)
	b := &q.msg.buffer
	b.Field = fieldProgressive
	b.Timestamp = unix.NsecToTimeval(int64(timestamp))
	b.BytesUsed = uint32(len(planes[0]))
	if isMultiplanar(q.kind) {
		b.Length = uint32(len(planes))
		for i, p := range planes {
			q.msg.planes[i].BytesUsed, q.msg.planes[i].Length = uint32(len(p)), uint32(len(q.memory[index][i]))
		}
	}
	if err := q.send(queueBuf); err != nil {
		return q.d.failed(queueBuf, err)
	}
	return nil
}
