package webhook

import (
	"net/http"
	"net/netip"
)

// Transport returns how a sink sends.
func Transport(s *Sink) *http.Transport { return s.transport.(*http.Transport) }

// Connecting asks whether a sink of an agent with this status server may connect to an address.
func Connecting(own, address string) error { return reach{own}.control("tcp", address, nil) }

// Allowed asks the same of an address alone.
func Allowed(a netip.Addr) error { return allowed(a) }

// Sample is the result that templates are checked with.
var Sample = sample

// Play puts a far side without a network in the place of the real one.
func Play(s *Sink, far transport) { s.transport = far }

// Sign signs one request.
var Sign = sign

// DeliveryID names a request with the results that have these ids.
func DeliveryID(ids []string) string {
	items := make([]item, len(ids))
	for i, id := range ids {
		items[i].id = id
	}
	return deliveryID(items)
}
