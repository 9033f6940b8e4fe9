package onviftest

import (
	"cmp"
	"encoding/xml"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// A probe is a search as WS-Discovery 2005/04 writes it, with its namespaces.
type probe struct {
	XMLName xml.Name `xml:"http://www.w3.org/2003/05/soap-envelope Envelope"`
	Header  struct {
		Action string `xml:"http://schemas.xmlsoap.org/ws/2004/08/addressing Action"`
		ID     string `xml:"http://schemas.xmlsoap.org/ws/2004/08/addressing MessageID"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Header"`
	Body struct {
		Probe *struct {
			Types string `xml:"http://schemas.xmlsoap.org/ws/2005/04/discovery Types"`
		} `xml:"http://schemas.xmlsoap.org/ws/2005/04/discovery Probe"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Body"`
}

// answerSearches joins the group and answers until stop is called.
func (s *Server) answerSearches(interfaceName string, running *sync.WaitGroup) (stop func()) {
	s.t.Helper()
	ifi, err := net.InterfaceByName(interfaceName)
	if err != nil {
		s.t.Fatal(err)
	}
	network, address := "udp4", net.IPv4(239, 255, 255, 250)
	if s.Host.Is6() {
		network, address = "udp6", net.ParseIP("ff02::c")
	}
	group, err := net.ListenMulticastUDP(network, ifi, &net.UDPAddr{IP: address, Port: 3702})
	if err != nil {
		s.t.Fatalf("listening for searches on %s: %v", interfaceName, err)
	}
	from, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.Host, 0)))
	if err != nil {
		s.t.Fatal(err)
	}
	running.Go(func() {
		text := make([]byte, 64<<10)
		for {
			n, asker, err := group.ReadFromUDPAddrPort(text)
			if err != nil {
				return
			}
			s.answerSearch(text[:n], func(answer []byte) { _, _ = from.WriteToUDPAddrPort(answer, asker) })
		}
	})
	return func() { group.Close(); from.Close() }
}

// answerSearch answers one search, as often as the test wants.
func (s *Server) answerSearch(text []byte, send func([]byte)) {
	var p probe
	if err := xml.Unmarshal(text, &p); err != nil || p.Body.Probe == nil {
		s.t.Errorf("a search is none: %v in %s", err, text)
		return
	}
	s.mu.Lock()
	s.probes++
	s.mu.Unlock()
	if !strings.HasSuffix(p.Body.Probe.Types, ":NetworkVideoTransmitter") {
		return // as many do
	}
	if p.Header.Action != "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe" || uuid.Validate(strings.TrimPrefix(p.Header.ID, "uuid:")) != nil {
		s.t.Errorf("a search has the action %q and the id %q", p.Header.Action, p.Header.ID)
	}
	for range max(1, s.Repeats) {
		if s.Match != nil {
			send(s.Match(s.Own))
			continue
		}
		send([]byte(s.match(p.Header.ID)))
	}
}

// match writes an answer the way gSOAP does, with which most cameras are made: namespaces on the envelope, line ends, several addresses.
func (s *Server) match(relatesTo string) string {
	addresses := s.Own
	if s.XAddrs != nil {
		addresses = s.XAddrs(s.Own)
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:wsdd="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<SOAP-ENV:Header><wsa:MessageID>uuid:` + uuid.NewString() + `</wsa:MessageID><wsa:RelatesTo>` + relatesTo + `</wsa:RelatesTo>
<wsa:To SOAP-ENV:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>
<wsa:Action SOAP-ENV:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></SOAP-ENV:Header>
<SOAP-ENV:Body><wsdd:ProbeMatches><wsdd:ProbeMatch><wsa:EndpointReference><wsa:Address>` + s.Endpoint + `</wsa:Address>
<wsa:ReferenceProperties></wsa:ReferenceProperties></wsa:EndpointReference>
<wsdd:Types>` + cmp.Or(s.Types, "dn:NetworkVideoTransmitter") + `</wsdd:Types><wsdd:Scopes>
` + s.Scopes + `
</wsdd:Scopes><wsdd:XAddrs>` + addresses + `</wsdd:XAddrs><wsdd:MetadataVersion>1</wsdd:MetadataVersion></wsdd:ProbeMatch></wsdd:ProbeMatches>
</SOAP-ENV:Body></SOAP-ENV:Envelope>`
}
