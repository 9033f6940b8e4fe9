package encode_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// children returns the processes whose parent we are, by id, with their command lines.
func children(t testing.TB) map[int]string { return childrenOf(t, os.Getpid()) }

func childrenOf(t testing.TB, parent int) map[int]string {
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

// runs tells whether a process is there and not merely waiting to be reaped.
func runs(id int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "stat"))
	return err == nil && !bytes.Contains(text, []byte(") Z "))
}
