package fault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// A Listed is a rule with its id and what it did so far.
type Listed struct {
	ID string `json:"id"`
	Rule
	Seen   int `json:"seen"`   // calls that matched
	Struck int `json:"struck"` // calls that were spoiled

	dice *rand.Rand
}

// A Book is the list of rules in force. It is safe for concurrent use; the zero Book is empty.
type Book struct {
	mu    sync.Mutex
	rules []*Listed
	count int
}

// Add puts a checked rule last and returns its id.
func (b *Book) Add(rule Rule) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	listed := &Listed{ID: fmt.Sprintf("f%d", b.count), Rule: rule, dice: rand.New(rand.NewPCG(rule.Seed, 0))}
	b.rules = append(b.rules, listed)
	return listed.ID
}

// Remove drops a rule and tells whether it was there.
func (b *Book) Remove(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.rules)
	b.rules = slices.DeleteFunc(b.rules, func(l *Listed) bool { return l.ID == id })
	return len(b.rules) < before
}

// Clear drops all rules.
func (b *Book) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = nil
}

// List returns all rules, also those that have struck as often as they may.
func (b *Book) List() []Listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Listed, 0, len(b.rules))
	for _, rule := range b.rules {
		list = append(list, *rule)
	}
	return list
}

// Strike returns the first rule that strikes this call and counts it.
func (b *Book) Strike(call Call) (rule Rule, id string, struck bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.rules {
		if l.matches(call) && l.strike() {
			return l.Rule, l.ID, true
		}
	}
	return Rule{}, "", false
}

func (l *Listed) strike() bool {
	l.Seen++
	times := 1
	if l.Times != nil {
		times = *l.Times
	}
	if l.Seen <= l.Skip || (times >= 0 && l.Struck >= times) {
		return false
	}
	if l.Probability != nil && l.dice.Float64() >= *l.Probability {
		return false
	}
	l.Struck++
	return true
}
