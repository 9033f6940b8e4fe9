// Package guard turns panics into errors, so that a mistake in one camera costs that camera a moment and not the process its life.
//
// Go ends the process when any goroutine panics, so each goroutine of a camera starts with a guard of its own, and so does each function
// of ours that a library calls on one of its goroutines. A panic inside a library's own goroutine is out of reach.
package guard

import (
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// A Panic is a panic as an error. Its text holds the stack, and whatever the panic had to say: scrub it before it is shown.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v\n%s", p.Value, p.Stack) }

// Panicked tells whether err comes from a panic.
func Panicked(err error) bool {
	_, ok := errors.AsType[*Panic](err)
	return ok
}

// Run calls f and returns its error, or a *Panic.
func Run(f func() error) (err error) {
	defer Catch(func(p *Panic) { err = p })
	return f()
}

// Go runs f in group as group.Go does.
func Go(group *errgroup.Group, f func() error) {
	group.Go(func() error { return Run(f) })
}

// Catch is deferred itself, and hands a panic of the function that deferred it to take.
func Catch(take func(*Panic)) {
	if value := recover(); value != nil {
		take(&Panic{Value: value, Stack: debug.Stack()})
	}
}
