package spool

import "context"

const (
	// frontItems and frontBytes bound what waits for the writer, that is, how long the disk may hang before something is lost.
	frontItems = 1024
	frontBytes = 4 << 20
	// groupItems and groupBytes bound one transaction.
	groupItems = 64
	groupBytes = 512 << 10
)

// An item is a result that is not written yet.
type item struct {
	record  record
	receipt *Receipt
}

func (i *item) size() int { return len(i.record.body) }

// The front is what waits for the writer. The lock of the spool protects it.
type front struct {
	items []*item
	bytes int
	room  chan struct{} // closed when there may be room
}

func (f *front) full() bool { return len(f.items) >= frontItems || f.bytes >= frontBytes }

func (f *front) push(i *item) {
	f.items = append(f.items, i)
	f.bytes += i.size()
}

// pop takes out the oldest.
func (f *front) pop() *item {
	i := f.items[0]
	f.items = f.items[1:]
	f.bytes -= i.size()
	return i
}

// group takes out the oldest, as many as one transaction should have.
func (f *front) group() (group []*item) {
	for bytes := 0; len(f.items) > 0 && len(group) < groupItems && bytes < groupBytes; {
		group = append(group, f.pop())
		bytes += group[len(group)-1].size()
	}
	return group
}

// back puts a group in front again.
func (f *front) back(group []*item) {
	f.items = append(group[:len(group):len(group)], f.items...)
	for _, i := range group {
		f.bytes += i.size()
	}
}

// wake lets those look again who wait for room.
func (f *front) wake() {
	close(f.room)
	f.room = make(chan struct{})
}

// admit puts an item in front of the writer, or applies the policy when there is no room.
func (s *Spool) admit(ctx context.Context, i *item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.front.full() && !s.closed {
		switch s.o.OnFull {
		case DropNewest:
			s.refuse(i, ErrFull)
			return ErrFull
		case Block:
			room := s.front.room
			s.mu.Unlock()
			select {
			case <-room:
			case <-ctx.Done():
			}
			s.mu.Lock()
			if ctx.Err() != nil {
				s.refuse(i, ctx.Err())
				return ctx.Err()
			}
		default:
			s.refuse(s.front.pop(), ErrFull)
		}
	}
	if s.closed {
		s.refuse(i, ErrClosed)
		return ErrClosed
	}
	s.front.push(i)
	s.wakeWriter()
	return nil
}

// refuse drops an item that is not written. The lock is held.
func (s *Spool) refuse(i *item, err error) {
	for _, m := range i.record.sinks {
		s.o.Meters.dropped(m.sink, reasonSize).Inc()
	}
	i.receipt.settle(err)
}

func (s *Spool) wakeWriter() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}
