package rtsp

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// farewell is how long a camera has to take our leave: to answer a SETUP that is under way, whose session only its answer lets us end, and to
// close the connection after TEARDOWN. Short, because the watchdog closes cameras that answer nothing at all.
const farewell = 300 * time.Millisecond

// dial opens a connection. It knows no address from before: the name is looked up each time, since cameras change theirs with every lease of
// their DHCP server.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return orderly{conn}, nil
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
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	encrypted := tls.Client(conn, settings)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &handshakeError{err}
	}
	return orderly{encrypted}, nil
}

// handshakeError says that the connection came about, but not its encryption.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return fmt.Sprintf("TLS: %v", e.err) }
func (e *handshakeError) Unwrap() error { return e.err }

// orderly is a connection that lets the other side read our last words. A socket closed with video still unread sends a reset, and a camera
// that gets one may throw away the TEARDOWN before it.
type orderly struct{ net.Conn }

// Close takes at most as long as farewell.
func (c orderly) Close() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.SetReadDeadline(time.Now().Add(farewell))
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	return c.Conn.Close()
}
