package lease

import (
	"errors"
	"time"
)

var errSlow = errors.New("the disk did not take the journal of streams within " + patience.String())

// change makes a change and has it written, in the order of the calls. It does not wait: written is closed when the change is on disk or
// could not be put there, and nil when there is no disk. Changes that come while an earlier one is being written go to disk together.
func (j *Journal) change(f func()) (written <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
	if j.save == nil {
		return nil
	}
	if j.next == nil {
		j.next = make(chan struct{})
	}
	if !j.writing {
		j.writing = true
		go j.write()
	}
	return j.next
}

// write writes until nothing has changed meanwhile. One goroutine runs it at a time.
func (j *Journal) write() {
	for {
		j.mu.Lock()
		round := j.next
		if j.next = nil; round == nil {
			j.writing = false
			j.mu.Unlock()
			return
		}
		text, err := encode(j.entries, j.clock.Boot)
		j.mu.Unlock()

		if err == nil {
			err = j.save(text)
		}
		j.mu.Lock()
		j.hung = false
		j.report(err)
		close(round)
		j.mu.Unlock()
	}
}

// report shows how a write went, and has it repeated if it failed. The lock is held.
func (j *Journal) report(err error) {
	if err == nil {
		j.part.Set("ok", nil)
		j.part.Well()
		return
	}
	j.metrics.writeFailures.Inc()
	j.part.Set("failing", err)
	if j.again != nil {
		j.again.Stop()
	}
	j.again = time.AfterFunc(rewriteGap, func() { j.change(func() {}) })
}

// await waits for a change to be on disk, but not for ever: a disk that hangs must not stop the cameras. While one write hangs nobody
// waits for the next.
func (j *Journal) await(written <-chan struct{}) {
	if written == nil || j.hangs() {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-written:
		return
	case <-timer.C:
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case <-written:
	default:
		j.hung = true
		j.part.Set("failing", errSlow)
	}
}

func (j *Journal) hangs() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.hung
}
