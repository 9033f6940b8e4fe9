package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sys/unix"
)

// dialing bounds name, connection, and the handshakes of TLS and of the websocket.
const dialing = 10 * time.Second

// dial opens a connection to the broker. Proxies of the environment are not used.
func dial(ctx context.Context, c Config) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, dialing)
	defer cancel()
	var settings *tls.Config
	if c.target.Scheme == "mqtts" || c.target.Scheme == "wss" {
		var err error
		if settings, err = c.TLS.Config(c.target.Hostname()); err != nil {
			return nil, err
		}
	}
	if c.target.Scheme == "ws" || c.target.Scheme == "wss" {
		return dialWebsocket(ctx, c, settings)
	}
	conn, err := dialPrompt(ctx, "tcp", c.address())
	if err != nil {
		return nil, err
	}
	if settings == nil {
		return newWire(conn), nil
	}
	encrypted := tls.Client(conn, settings)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says it all
		return nil, err
	}
	return newWire(encrypted), nil
}

// unheard is for how long the machine of a broker may be silent about what was sent to it before the connection counts as dead.
const unheard = 20 * time.Second

// dialer returns one whose connections notice by themselves when the other machine is gone.
func dialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 2},
		Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unheard.Milliseconds())) // there is the keepalive as well
			})
		},
	}
}

// dialWebsocket opens a websocket with the sub-protocol that brokers demand (MQTT 5.0 §6).
func dialWebsocket(ctx context.Context, c Config, settings *tls.Config) (*wire, error) {
	d := websocket.Dialer{TLSClientConfig: settings, Subprotocols: []string{"mqtt"}, NetDialContext: dialPrompt}
	conn, response, err := d.DialContext(ctx, c.target.String(), nil)
	if response != nil && response.Body != nil {
		_ = response.Body.Close()
	}
	if errors.Is(err, websocket.ErrBadHandshake) && response != nil {
		return nil, fmt.Errorf("the server answers %d %s and opens no websocket there; look at the path of the url",
			response.StatusCode, http.StatusText(response.StatusCode))
	}
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxMessage)
	return newWire(&webStream{Conn: conn}), nil
}

// maxMessage bounds a message of a websocket, in bytes. A broker may put several packets into one.
const maxMessage = 1 << 20

// webStream makes one stream of bytes of the messages of a websocket; MQTT packets may span them.
type webStream struct {
	*websocket.Conn
	message io.Reader // the one that is being read
}

func (w *webStream) Read(p []byte) (int, error) {
	for {
		if w.message == nil {
			_, message, err := w.NextReader()
			if err != nil {
				return 0, err
			}
			w.message = message
		}
		n, err := w.message.Read(p)
		if errors.Is(err, io.EOF) {
			w.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (w *webStream) Write(p []byte) (int, error) {
	if err := w.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetDeadline implements net.Conn.
func (w *webStream) SetDeadline(t time.Time) error {
	return errors.Join(w.SetReadDeadline(t), w.SetWriteDeadline(t))
}
