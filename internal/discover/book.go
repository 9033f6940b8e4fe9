package discover

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// How many devices a search may find, in all and from one address. A recorder may answer for each of its channels.
const (
	maxDevices    = 512
	maxFromSender = 32
	maxSenders    = 8 // addresses from which one device answers
	maxNonsense   = 16
)

// A book collects the answers to a search. One device answers many times: to each repetition, to each type, on each network that it shares
// with us. It may be used from several goroutines.
type book struct {
	mu       sync.Mutex
	devices  map[string]*Device // by Endpoint
	from     map[netip.Addr]int // devices that were first heard of from there
	nonsense map[netip.Addr]error
	tooMany  bool
}

func newBook() *book {
	return &book{devices: map[string]*Device{}, from: map[netip.Addr]int{}, nonsense: map[netip.Addr]error{}}
}

// note reads one answer.
func (b *book) note(from netip.Addr, text []byte) {
	devices, err := parseMatches(text)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		if len(b.nonsense) < maxNonsense {
			b.nonsense[from] = err
		}
		return
	}
	for _, d := range devices {
		b.add(from, d)
	}
}

func (b *book) add(from netip.Addr, d Device) {
	known := b.devices[d.Endpoint]
	if known == nil {
		if len(b.devices) >= maxDevices || b.from[from] >= maxFromSender {
			b.tooMany = true
			return
		}
		b.from[from]++
		known = &d
		b.devices[d.Endpoint] = known
	}
	if !slices.Contains(known.Senders, from) && len(known.Senders) < maxSenders {
		known.Senders = append(known.Senders, from)
	}
	for _, service := range d.Services {
		if !slices.Contains(known.Services, service) && len(known.Services) < 2*maxServices {
			known.Services = append(known.Services, service)
		}
	}
}

// all returns the devices in the order of their addresses. Those that can be asked at the same places are one: some make up a new Endpoint at
// each answer.
func (b *book) all() (devices []Device) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.devices {
		devices = append(devices, *d)
	}
	slices.SortFunc(devices, func(one, other Device) int {
		return cmp.Or(one.Senders[0].Compare(other.Senders[0]), slices.Compare(one.Services, other.Services), cmp.Compare(one.Endpoint, other.Endpoint))
	})
	return slices.CompactFunc(devices, func(one, other Device) bool {
		return one.Senders[0] == other.Senders[0] && slices.Equal(one.Services, other.Services)
	})
}

// troubles says in sentences what was wrong with answers.
func (b *book) troubles() (sentences []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clean := newCleaner(Login{})
	senders := make([]netip.Addr, 0, len(b.nonsense))
	for from := range b.nonsense {
		senders = append(senders, from)
	}
	slices.SortFunc(senders, netip.Addr.Compare)
	for _, from := range senders {
		sentences = append(sentences, fmt.Sprintf("%s answered something that is not understood (%s)", from, clean.line(b.nonsense[from].Error())))
	}
	if b.tooMany {
		sentences = append(sentences,
			fmt.Sprintf("more answered than is plausible: the rest after %d devices, or %d from one address, is left out", maxDevices, maxFromSender))
	}
	return sentences
}
