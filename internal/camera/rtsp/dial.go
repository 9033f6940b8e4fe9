package rtsp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// A lost request for a connection is repeated by the kernel after 1 s, 2 s, 4 s and so on: a camera that comes back after a cut is then found
// seconds late. So we knock ourselves.
const (
	knockEvery = time.Second
	maxKnocks  = 10
)

// dial opens a connection. It knows no address from before: the name is looked up each time, since cameras change theirs with every lease of
// their DHCP server.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := knock(ctx, (&net.Dialer{}).DialContext, network, address)
	if err != nil {
		return nil, err
	}
	return newOrderly(conn), nil
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// knock dials once more every second while there is no answer, whichever: a refusal is one.
func knock(ctx context.Context, dial dialer, network, address string) (net.Conn, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type answer struct {
		conn net.Conn
		err  error
	}
	answers := make(chan answer, maxKnocks)
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	for knocks := 1; ; knocks++ {
		go func() {
			var a answer
			a.err = guard.Run(func() (err error) { a.conn, err = dial(ctx, network, address); return err })
			answers <- a
		}()
		next := ticker.C
		if knocks == maxKnocks {
			next = nil
		}
		select {
		case <-next:
		case first := <-answers:
			go func() { // the others end with ctx; a camera counts its connections
				for range knocks - 1 {
					if late := <-answers; late.conn != nil {
						_ = late.conn.Close()
					}
				}
			}()
			return first.conn, first.err
		}
	}
}

// dial opens an encrypted connection. The client would leave the handshake to its first Read, where a camera that keeps silent holds it for
// ever; here ctx bounds it.
func (t TLS) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = guard.Run(func() error { conn, err = t.handshake(ctx, network, address); return err })
	return conn, err
}

func (t TLS) handshake(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	settings, err := t.config(host)
	if err != nil {
		return nil, err
	}
	conn, err := knock(ctx, (&net.Dialer{}).DialContext, network, address)
	if err != nil {
		return nil, err
	}
	encrypted := tls.Client(conn, settings)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &handshakeError{err}
	}
	return newOrderly(encrypted), nil
}

// handshakeError says that the connection came about, but not its encryption.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return fmt.Sprintf("TLS: %v", e.err) }
func (e *handshakeError) Unwrap() error { return e.err }
