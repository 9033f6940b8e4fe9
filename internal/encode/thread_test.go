package encode

import (
	"testing"
	"time"
)

// A clock counts its own goroutine, also while another asks, and nothing of what others do.
func TestThreadClock(t *testing.T) {
	var busy, idle ThreadClock
	begin, stop := make(chan struct{}), make(chan struct{})
	for _, c := range []*ThreadClock{&busy, &idle} {
		go func() {
			halt := c.Start()
			begin <- struct{}{}
			if c == &busy {
				for c.Used() < 50*time.Millisecond { // it ends by working only
				}
			}
			begin <- struct{}{}
			<-stop
			halt()
			begin <- struct{}{}
		}()
	}
	for range 4 {
		<-begin
	}
	used := busy.Used()
	if rest := idle.Used(); used < 50*time.Millisecond || rest > used/2 {
		t.Errorf("the busy one used %v, the idle one %v", used, rest)
	}
	close(stop)
	<-begin
	<-begin
	if after := busy.Used(); after < used {
		t.Errorf("after its end it says %v, before %v", after, used)
	}
}
