package mqtt

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A prompt connection tells the other machine at once that its bytes have come. Mosquitto and others hold a small packet back until the one
// before it is confirmed, which the kernel does 40 ms late: results that are sent together would then be acknowledged at a tenth of the rate.
type prompt struct {
	net.Conn
	raw syscall.RawConn // nil where there is none
}

// dialPrompt opens a connection.
func dialPrompt(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := dialer().DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	p := &prompt{Conn: conn}
	if s, ok := conn.(syscall.Conn); ok {
		p.raw, _ = s.SyscallConn() // without it the connection is merely slower
	}
	p.confirm()
	return p, nil
}

// Read implements net.Conn.
func (p *prompt) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.confirm() // the kernel forgets it now and then
	return n, err
}

func (p *prompt) confirm() {
	if p.raw != nil {
		_ = p.raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }) // see above
	}
}
