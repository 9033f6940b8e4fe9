package mqtt

import (
	"context"
	"sync"
)

// contact is what deliveries know of the connection to the broker. Another goroutine makes it, and tells.
type contact struct {
	mu      sync.Mutex
	link    *link // nil while there is none
	begun   int   // attempts to connect, so far
	ended   int   // the number of the newest one that has come to its end, with or without a connection
	why     error // it has
	sulking bool  // the next attempt is not hurried by anybody

	news  chan struct{} // closed at each change
	hurry chan struct{} // a token ends the pause before the next attempt
}

func newContact() contact {
	return contact{news: make(chan struct{}), hurry: make(chan struct{}, 1)}
}

// tell changes what is known.
func (c *contact) tell(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.news)
	c.news = make(chan struct{})
}

// begin notes that an attempt begins.
func (c *contact) begin() {
	c.tell(func() { c.begun++; c.sulking = false })
}

// made notes that there is a connection.
func (c *contact) made(l *link) {
	c.tell(func() { c.link = l })
}

// lost notes that a connection is none any more.
func (c *contact) lost(l *link) {
	c.tell(func() {
		if c.link == l {
			c.link = nil
		}
	})
}

// end notes that the attempt and what came of it is over.
func (c *contact) end(why error, sulking bool) {
	c.tell(func() { c.link, c.ended, c.why, c.sulking = nil, c.begun, why, sulking })
}

// wait returns the connection. Where there is none it waits for one attempt that begins after the call, and returns why that has failed; a
// failure from before proves nothing about now. While nobody is to be hurried it returns why at once. closed ends the waiting for good.
func (c *contact) wait(ctx context.Context, closed <-chan struct{}) (*link, error) {
	c.mu.Lock()
	first := c.begun + 1
	c.mu.Unlock()
	for {
		c.mu.Lock()
		l, news, failed, why := c.link, c.news, c.ended >= first || c.sulking, c.why
		c.mu.Unlock()
		switch {
		case l != nil:
			return l, nil
		case failed:
			return nil, why
		}
		ring(c.hurry)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-closed:
			return nil, errClosed
		case <-news:
		}
	}
}
