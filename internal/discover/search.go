package discover

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Where WS-Discovery listens (WS-Discovery 2005/04, 2.4).
var (
	group4 = netip.MustParseAddrPort("239.255.255.250:3702")
	group6 = netip.MustParseAddr("ff02::c")
)

// A question is repeated, since nobody confirms a multicast, after pauses that double from a random one (SOAP-over-UDP 1.0, appendix I).
const (
	sendings = 4
	minPause = 50 * time.Millisecond
	maxPause = 250 * time.Millisecond
	topPause = 500 * time.Millisecond
)

// Found is what came of a search.
type Found struct {
	Devices  []Device // in the order of their addresses
	Asked    []string // interfaces and addresses from which the question left
	Troubles []string // sentences for people: what could not be asked, who answered nonsense
}

// Search asks for ONVIF cameras on the interfaces, and blocks for o.Timeout, or until ctx ends. It returns whoever has answered by then.
// Without an interface to ask on it returns at once. The error is an interface that is not there.
func Search(ctx context.Context, o Options) (*Found, error) {
	from, err := outlets(o.Interfaces)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout) // of no concern for what is asked afterwards
	defer cancel()
	b := newBook()
	found := &Found{}
	var mu sync.Mutex // guards found
	var running sync.WaitGroup
	for _, out := range from {
		running.Go(func() {
			err := searchFrom(ctx, out, b)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				found.Asked = append(found.Asked, out.String())
			case out.addr.Is4(): // IPv6 is not configured in many places where its addresses are
				found.Troubles = append(found.Troubles, fmt.Sprintf("%s could not be asked: %v", out, err))
			}
		})
	}
	running.Wait()
	slices.Sort(found.Asked)
	found.Devices = b.all()
	found.Troubles = append(found.Troubles, b.troubles()...)
	return found, nil
}

// searchFrom asks from one address and collects the answers to it until ctx ends. The error is that nothing could be sent.
func searchFrom(ctx context.Context, out outlet, b *book) error {
	conn, to, err := open(out)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	sent := make(chan error, 1)
	go func() {
		err := sendAll(ctx, conn, to)
		if err != nil {
			_ = conn.SetReadDeadline(time.Unix(1, 0))
		}
		sent <- err
	}()
	answers := make(chan answer, maxWaiting)
	go func() {
		defer close(answers)
		receive(conn, answers)
	}()
	for a := range answers {
		b.note(a.from, a.text)
	}
	return <-sent
}

// How much is taken from the network. Answers come in bursts, and the kernel keeps few of them.
const (
	maxWaiting    = 1024
	maxDatagram   = 16 << 10 // bytes; real ones have one or two thousand
	maxDatagrams  = 512      // of one address
	receiveBuffer = 1 << 20
)

// An answer is a datagram that came back.
type answer struct {
	from netip.Addr
	text []byte
}

// receive takes what comes until the deadline. It only takes: while an answer is being read, others must not be lost, least of all
// because somebody sends too many.
func receive(conn *net.UDPConn, answers chan<- answer) {
	_ = conn.SetReadBuffer(receiveBuffer) // as far as the kernel permits
	buffer := make([]byte, maxDatagram)
	count := map[netip.Addr]int{}
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		sender := from.Addr().Unmap()
		if count[sender]++; count[sender] > maxDatagrams {
			continue
		}
		select {
		case answers <- answer{sender, slices.Clone(buffer[:n])}:
		default:
		}
	}
}

// open returns a socket of ours alone. Answers come to it without any group being joined.
func open(out outlet) (conn *net.UDPConn, to netip.AddrPort, err error) {
	network := "udp4"
	if out.addr.Is6() {
		network = "udp6"
	}
	conn, err = net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(out.addr, 0)))
	if err != nil {
		return nil, to, err
	}
	if out.addr.Is4() {
		to, err = group4, ipv4.NewPacketConn(conn).SetMulticastInterface(&out.ifi)
	} else {
		to, err = netip.AddrPortFrom(group6.WithZone(out.ifi.Name), group4.Port()), ipv6.NewPacketConn(conn).SetMulticastInterface(&out.ifi)
	}
	if err != nil {
		conn.Close()
		return nil, to, err
	}
	return conn, to, nil
}

// sendAll asks all questions, several times. The error is of the first time: what could be sent once counts as asked.
func sendAll(ctx context.Context, conn *net.UDPConn, to netip.AddrPort) error {
	questions := questions()
	pause := minPause + rand.N(maxPause-minPause)
	for i := range sendings {
		for _, question := range questions {
			if _, err := conn.WriteToUDPAddrPort([]byte(question), to); err != nil && i == 0 {
				if inner, ok := errors.AsType[*net.OpError](err); ok {
					err = inner.Err
				}
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, topPause)
	}
	return nil
}

// questions returns the probes. There are devices that answer to one type only, to none that are asked for both at once, and to none
// that are asked for no type. The declarations of both namespaces stand where some of them look for them.
func questions() []string {
	return []string{
		fmt.Sprintf(probeText, uuid.NewString(), "http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter"),
		fmt.Sprintf(probeText, uuid.NewString(), "http://www.onvif.org/ver10/device/wsdl", "Device"),
	}
}

const probeText = `<?xml version="1.0" encoding="UTF-8"?>` +
	`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header>` +
	`<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action><a:MessageID>uuid:%s</a:MessageID>` +
	`<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>` +
	`<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>` +
	`<s:Body><Probe xmlns="http://schemas.xmlsoap.org/ws/2005/04/discovery">` +
	`<d:Types xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dp0="%s">dp0:%s</d:Types></Probe></s:Body></s:Envelope>`
