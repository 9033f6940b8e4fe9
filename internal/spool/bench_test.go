package spool_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkThrough is a result on its way from Append to Done.
func BenchmarkThrough(b *testing.B) {
	h := open(b, optionsFor(b.TempDir()))
	q := h.queue(b, "s")
	before, worked := written(), busy()
	go func() {
		for i := range b.N {
			receipt, err := h.Append(b.Context(), anAnswer("c", uint64(i+1), 800), []string{"s"})
			if err == nil && i%512 == 0 {
				err = receipt.Wait(b.Context())
			}
			if err != nil {
				panic(err)
			}
		}
	}()
	b.ResetTimer()
	for taken := 0; taken < b.N; {
		batch, err := q.Next(b.Context(), 64)
		if err != nil {
			b.Fatal(err)
		}
		taken += len(batch)
		q.Done(len(batch))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "results/s")
	b.ReportMetric(float64((busy()-worked).Microseconds())/float64(b.N), "cpu-µs/result")
	b.ReportMetric(float64(written()-before)/float64(b.N*800), "bytes/byte")
}

// BenchmarkBacklog drains what nobody took for a while.
func BenchmarkBacklog(b *testing.B) {
	h := open(b, optionsFor(b.TempDir()))
	h.queue(b, "s")
	for i := range b.N {
		receipt, err := h.Append(b.Context(), anAnswer("c", uint64(i+1), 800), []string{"s"})
		if err == nil && i%512 == 0 {
			err = receipt.Wait(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	worked := busy()
	h.drain(b, "s")
	b.ReportMetric(float64((busy()-worked).Microseconds())/float64(b.N), "cpu-µs/result")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "results/s")
}

// BenchmarkIdle is one result at a time: from Append until a sink that waits has it.
func BenchmarkIdle(b *testing.B) {
	h := open(b, optionsFor(b.TempDir()))
	q := h.queue(b, "s")
	before := written()
	var times []time.Duration
	for i := range b.N {
		started := time.Now()
		if _, err := h.Append(b.Context(), anAnswer("c", uint64(i+1), 800), []string{"s"}); err != nil {
			b.Fatal(err)
		}
		batch, err := q.Next(b.Context(), 64)
		if err != nil || len(batch) != 1 {
			b.Fatal(batch, err)
		}
		times = append(times, time.Since(started))
		q.Done(1)
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(written()-before)/float64(b.N*800), "bytes/byte")
}

// BenchmarkOpen opens a spool with 100,000 results.
func BenchmarkOpen(b *testing.B) {
	o := optionsFor(b.TempDir())
	o.MaxBytes = 256 << 20
	h := open(b, o)
	for i := range 100_000 {
		receipt, err := h.Append(b.Context(), anAnswer(fmt.Sprint("c", i%50), uint64(i/50+1), 800), []string{"a", "b"})
		if err == nil && i%512 == 0 {
			err = receipt.Wait(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	h.close()
	for b.Loop() {
		h = open(b, o)
		if n := h.queue(b, "a").Len(); n != 100_000 {
			b.Fatalf("%d results", n)
		}
		b.StopTimer()
		h.close()
		b.StartTimer()
	}
}

// busy is the time that this process had a processor, which others on the machine change less than the time on the wall.
func busy() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// written is what this process has written so far, in bytes.
func written() int {
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		if digits, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(digits))
			return n
		}
	}
	return 0
}

// BenchmarkDeadSink is one result at a time for a sink that takes none: in a new file, and in one that has had a backlog before.
func BenchmarkDeadSink(b *testing.B) {
	for _, had := range []int{0, 3000} {
		b.Run(fmt.Sprint("after-", had), func(b *testing.B) {
			h := open(b, optionsFor(b.TempDir()))
			h.queue(b, "s")
			h.fillFast(b, "c", 1, had, "s")
			h.drain(b, "s")
			before, n := written(), 0
			for b.Loop() {
				n++
				h.put(b, anAnswer("d", uint64(n), 800), "s")
			}
			if err := h.Checkpoint(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(written()-before)/float64(n*800), "bytes/byte")
		})
	}
}
