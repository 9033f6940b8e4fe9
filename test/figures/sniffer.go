package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A sniffer sees packets on loopback as the kernel delivers them, with the kernel's time: what comes from a camera over TCP, and what leaves
// over UDP. So the time inside a process is measured from outside, and without our own. It costs the sniffed process a little for each
// packet, so CPU time is measured without it.
type sniffer struct {
	socket int
	from   uint16 // TCP port of the cameras
	done   chan struct{}
	inside *inside
}

const (
	longestPacket = 1 << 16
	headersOfUDP  = 256 // bytes of a packet that are enough for all its headers
)

// sniff begins to look. It needs the right to (CAP_NET_RAW), which root has, and anybody in a user namespace with a network of its own.
func sniff(from, to int, in *inside) (*sniffer, error) {
	protocol := int(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_IP)))
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("sniffing: %w", err)
	}
	s := &sniffer{socket: socket, from: uint16(from), done: make(chan struct{}), inside: in}
	if err := s.prepare(uint16(protocol), uint32(to)); err != nil {
		_ = unix.Close(socket)
		return nil, fmt.Errorf("sniffing: %w", err)
	}
	go s.run()
	return s, nil
}

func (s *sniffer) prepare(protocol uint16, to uint32) error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	filter, err := filterOf(uint32(s.from), to)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptSockFprog(s.socket, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, filter); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(s.socket, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return err
	}
	const memory = 32 << 20
	if unix.SetsockoptInt(s.socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, memory) != nil {
		_ = unix.SetsockoptInt(s.socket, unix.SOL_SOCKET, unix.SO_RCVBUF, memory) // as much as anybody may have
	}
	second := unix.Timeval{Sec: 1} // so that the end is noticed
	if err := unix.SetsockoptTimeval(s.socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &second); err != nil {
		return err
	}
	return unix.Bind(s.socket, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: lo.Index})
}

// Where things are in a packet, from its IP header on. There are no IP options on loopback.
const (
	atProtocol    = 9
	atSource      = 20
	atDestination = 22
	atSequence    = 24 // of TCP
	atOffset      = 32 // of TCP's data, in words, in the upper half of the byte
	afterUDP      = 28
)

// filterOf lets TCP from a port and UDP to a port pass.
func filterOf(from, to uint32) (*unix.SockFprog, error) {
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: atProtocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_TCP, SkipFalse: 3},
		bpf.LoadAbsolute{Off: atSource, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: from, SkipTrue: 5},
		bpf.RetConstant{Val: longestPacket},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 3},
		bpf.LoadAbsolute{Off: atDestination, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: to, SkipTrue: 1},
		bpf.RetConstant{Val: headersOfUDP},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return nil, err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}, nil
}

func (s *sniffer) run() {
	buffer, control := make([]byte, longestPacket), make([]byte, 128)
	for {
		select {
		case <-s.done:
			_ = unix.Close(s.socket)
			close(s.inside.over)
			return
		default:
		}
		n, nc, _, _, err := unix.Recvmsg(s.socket, buffer, control, 0)
		if err != nil {
			continue // a second without a packet, or a signal
		}
		if at, ok := timeOf(control[:nc]); ok {
			s.see(buffer[:n], at)
		}
	}
}

// timeOf finds the kernel's time in the control messages of a packet.
func timeOf(control []byte) (time.Duration, bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, false
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			seconds, nanos := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			return time.Duration(seconds)*time.Second + time.Duration(nanos), true
		}
	}
	return 0, false
}

func (s *sniffer) see(packet []byte, at time.Duration) {
	if len(packet) <= afterUDP {
		return
	}
	if packet[atProtocol] == unix.IPPROTO_UDP {
		length := int(binary.BigEndian.Uint16(packet[2:])) - afterUDP
		s.inside.left(packet[afterUDP:], length, at)
		return
	}
	data := 20 + int(packet[atOffset]>>4)*4
	if data < len(packet) {
		viewer := binary.BigEndian.Uint16(packet[atDestination:])
		s.inside.came(viewer, binary.BigEndian.Uint32(packet[atSequence:]), packet[data:], at)
	}
}

// stop ends the sniffing, within a second.
func (s *sniffer) stop() {
	close(s.done)
	<-s.inside.over
}
