package switches

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Set is one value for every switch. It is safe for concurrent use.
type Set struct {
	definitions []Definition

	mu     sync.RWMutex
	values map[string]string
}

// New returns a set of the defaults.
func New() *Set {
	s := &Set{definitions: Definitions(), values: map[string]string{}}
	for _, d := range s.definitions {
		s.values[d.Name] = d.Default
	}
	return s
}

// Definitions returns what can be set.
func (s *Set) Definitions() []Definition { return s.definitions }

// Values returns the value of every switch.
func (s *Set) Values() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.values)
}

// Set changes one switch. The error says what could have been given instead.
func (s *Set) Set(name, value string) error {
	return s.SetAll(map[string]string{name: value})
}

// SetAll changes several switches, or none where one of them is refused.
func (s *Set) SetAll(values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := s.check(name, values[name]); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.values, values)
	return nil
}

func (s *Set) check(name, value string) error {
	at := slices.IndexFunc(s.definitions, func(d Definition) bool { return d.Name == name })
	if at < 0 {
		return fmt.Errorf("no switch is called %q, the switches are %s", name, strings.Join(slices.Sorted(maps.Keys(s.Values())), ", "))
	}
	d := s.definitions[at]
	switch {
	case len(d.Values) > 0 && !slices.Contains(d.Values, value):
		return fmt.Errorf("switch %s: %q is none of %s", name, value, strings.Join(d.Values, ", "))
	case d.Max > 0:
		if n, err := strconv.Atoi(value); err != nil || n < d.Min || n > d.Max {
			return fmt.Errorf("switch %s: %q is not a whole number from %d to %d", name, value, d.Min, d.Max)
		}
	}
	return nil
}

// Text returns the value of a switch. The name is one of the constants of this package.
func (s *Set) Text(name string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values[name]
}

// Is tells whether a switch has this value.
func (s *Set) Is(name, value string) bool { return s.Text(name) == value }

// On tells whether a switch of on and off is on.
func (s *Set) On(name string) bool { return s.Is(name, "on") }

// Int returns the value of a switch that takes a number.
func (s *Set) Int(name string) int {
	n, _ := strconv.Atoi(s.Text(name)) // check has seen every value
	return n
}

// Seconds returns the value of a switch that counts seconds.
func (s *Set) Seconds(name string) time.Duration { return time.Duration(s.Int(name)) * time.Second }

// Milliseconds returns the value of a switch that counts milliseconds.
func (s *Set) Milliseconds(name string) time.Duration {
	return time.Duration(s.Int(name)) * time.Millisecond
}
