package guard_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

func explode() error { panic("the fuse was short") }

func TestAPanicBecomesAnErrorWithItsStack(t *testing.T) {
	err := guard.Run(explode)
	p, ok := errors.AsType[*guard.Panic](err)
	if !ok {
		t.Fatalf("got %v, want a *guard.Panic", err)
	}
	if !guard.Panicked(fmt.Errorf("the unit: %w", err)) {
		t.Error("wrapped, it is not known as a panic any more")
	}
	if p.Value != "the fuse was short" || !strings.Contains(p.Error(), "guard_test.explode") {
		t.Errorf("got value %v and text %s", p.Value, p.Error())
	}
}

func TestWithoutAPanicTheErrorIsThatOfTheFunction(t *testing.T) {
	if err := guard.Run(func() error { return io.EOF }); err != io.EOF || guard.Panicked(err) {
		t.Errorf("got %v, want %v", err, io.EOF)
	}
	if err := guard.Run(func() error { return nil }); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestCatchWorksWhereALibraryCallsUs(t *testing.T) {
	var caught *guard.Panic
	callback := func() {
		defer guard.Catch(func(p *guard.Panic) { caught = p })
		_ = explode()
	}
	callback()
	if caught == nil || caught.Value != "the fuse was short" {
		t.Errorf("caught %v", caught)
	}
}
