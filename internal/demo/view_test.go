package demo

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

var update = flag.Bool("update", false, "write the golden text anew")

func shown() (*facts, heading) {
	f, _ := run()
	f.units = []status.Unit{
		{Name: "dock", Parts: map[string]status.View{
			"source": {State: "failed", Error: "dial tcp 127.0.0.1:554: connection refused\x1b[2J and a very long story about it that never ends"},
			"lease":  {State: "idle"}, "publisher": {State: "off"},
		}},
		{Name: "front-door", Parts: map[string]status.View{
			"source": {State: "live"}, "publisher": {State: "live"},
			"lease": {State: active, Since: noon, Detail: map[string]string{"stream": "0e57b9ea-32d7-4dd0-a9a3-b1d7e0ad93c3"}},
		}},
	}
	f.records[len(f.records)-1].wrong = "a picture of camera 1"
	return f, heading{status: "http://127.0.0.1:9464/status", files: filesIn("/tmp/demo"), ends: 30 * time.Second}
}

func TestTheView(t *testing.T) {
	zone := time.Local
	time.Local = time.UTC
	defer func() { time.Local = zone }()
	f, h := shown()
	lines := f.render(h, noon.Add(10*time.Second), 24)
	got := plain(strings.Join(lines, "\n")) + "\n"
	const golden = "testdata/view.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTheViewFits(t *testing.T) {
	f, h := shown()
	for _, height := range []int{24, 50} {
		lines := f.render(h, noon.Add(time.Hour), height)
		if len(lines) >= height { // a line more would scroll
			t.Errorf("%d lines for a height of %d", len(lines), height)
		}
		for _, line := range lines {
			if text := plain(line); utf8.RuneCountInString(text) > width || strings.Contains(text, "\x1b") {
				t.Errorf("%q is too wide or commands the terminal", text)
			}
		}
	}
}

func TestLinesPrintEachResultOnce(t *testing.T) {
	f, _ := shown()
	var out strings.Builder
	l := &lines{to: &out}
	l.show(f)
	l.show(f)
	if n := strings.Count(out.String(), "\n"); n != len(f.records) || strings.Count(out.String(), "WRONG: a picture of camera 1") != 1 {
		t.Errorf("%d lines for %d results:\n%s", n, len(f.records), out.String())
	}
}
