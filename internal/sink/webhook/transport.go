package webhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

const (
	connecting  = 5 * time.Second // for name and connection
	handshaking = 5 * time.Second // for TLS on top of it
)

// newTransport returns a transport of our own: what can hang has a limit, connections are kept for the next result, and no proxy of the
// environment gets to see results.
func newTransport(c Config, own string) *http.Transport {
	d := dialer{settings: c, net: &net.Dialer{
		Timeout: connecting, Control: reach{own}.control,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}}
	return &http.Transport{
		DialContext: d.dial, DialTLSContext: d.dialTLS,
		ForceAttemptHTTP2: true, // not implied once there is a dialer of our own
		MaxConnsPerHost:   2,    // one at a time is in use; one may be on its way out
		IdleConnTimeout:   90 * time.Second,

		// A compressed answer could unfold far beyond the limit on its bytes.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: 15 * time.Second},
	}
}

// dialer opens the connections of a transport, on whose goroutines it runs.
type dialer struct {
	settings Config
	net      *net.Dialer
}

func (d dialer) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = guard.Run(func() error { conn, err = d.net.DialContext(ctx, network, address); return err })
	return conn, err
}

func (d dialer) dialTLS(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = guard.Run(func() error { conn, err = d.handshake(ctx, network, address); return err })
	return conn, err
}

func (d dialer) handshake(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	settings, err := d.settings.TLS.Config(host)
	if err != nil {
		return nil, err
	}
	settings.NextProtos = []string{"h2", "http/1.1"}
	conn, err := d.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshaking)
	defer cancel()
	encrypted := tls.Client(conn, settings)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says it all
		return nil, err
	}
	return encrypted, nil
}
