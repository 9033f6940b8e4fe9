package overshoot

import (
	"net"
	"net/http"
	"time"
)

// newTransport returns the transport of a client that runs for years on a poor
// link: what can hang has a limit, and a peer that vanished without a word is
// noticed within half a minute.
func newTransport() *http.Transport {
	dialer := &net.Dialer{
		Timeout: 5 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
		},
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true, // not implied once DialContext is set
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          8,
		MaxIdleConnsPerHost:   8, // five streams, each with a watch or two in flight

		// A compressed answer could unfold far beyond the limit on its bytes.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,

		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  15 * time.Second,
			PingTimeout:      15 * time.Second,
			WriteByteTimeout: 15 * time.Second,
		},
	}
}
