// Package childtest looks at processes, for tests of those who start some.
package childtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Of returns the processes of a parent, by id, with their command lines.
func Of(t testing.TB, parent int) map[int]string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[int]string)
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if fields[1] != strconv.Itoa(parent) {
			continue
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found[id] = string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
	}
	return found
}

// Mine returns the children of the test itself.
func Mine(t testing.TB) map[int]string {
	t.Helper()
	return Of(t, os.Getpid())
}

// Runs tells whether a process is there and not merely waiting to be reaped.
func Runs(id int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "stat"))
	return err == nil && !bytes.Contains(text, []byte(") Z "))
}
