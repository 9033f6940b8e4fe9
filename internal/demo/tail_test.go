package demo

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTailReturnsWholeNewLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.jsonl")
	write := func(text string) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	tail := tailOf(path)
	expect := func(watches ...string) {
		t.Helper()
		got, err := tail.next()
		if err != nil || len(got) != len(watches) {
			t.Fatalf("%+v, %v; want %v", got, err, watches)
		}
		for i, w := range watches {
			if got[i].Data.Watch != w {
				t.Errorf("result %d is of %q, want %q", i, got[i].Data.Watch, w)
			}
		}
	}
	expect() // no file yet
	write(`{"data":{"watch":"a"}}` + "\n" + `{"data":{"wat`)
	expect("a")
	write(`ch":"b"}}` + "\n")
	expect("b")
	expect()
	tail = tailOf(path)
	expect() // what was there before is not ours
	write("no JSON\n")
	if _, err := tail.next(); err == nil {
		t.Error("a line that is no JSON was taken")
	}
}
