package spool_test

import (
	"path/filepath"
	"testing"
)

func TestTracer(t *testing.T) {
	for _, n := range []int{1, 5, 50, 200} {
		folder := t.TempDir()
		said := filepath.Join(t.TempDir(), "said")
		t.Log(n, killAtCall(t, aVictim(t, folder, said), n))
	}
}
