package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"golang.org/x/sys/unix"
)

// throughput hands results to the spool as fast as it commits them, and waits until the sink has all.
func (s settings) throughput(ctx context.Context) error {
	fmt.Printf("%-22s %12s %12s %14s %16s\n", "sink", "accepted/s", "delivered/s", "CPU/result", "written/byte")
	for i, far := range farSides {
		if err := s.through(ctx, far, filepath.Join(s.folder, fmt.Sprint("through-", i))); err != nil {
			return fmt.Errorf("%s: %w", far.name, err)
		}
	}
	return nil
}

func (s settings) through(ctx context.Context, far farSide, folder string) error {
	c, err := newChain(ctx, folder)
	if err != nil {
		return err
	}
	to, end, err := far.make(ctx, folder)
	if err != nil {
		return err
	}
	defer end()
	arrived, err := c.add("s", to)
	if err != nil {
		return err
	}
	start, worked, wrote := time.Now(), busy(), written()
	bytes := 0
	for i := range s.results {
		receipt, r, err := c.put("s")
		if err != nil {
			return err
		}
		if i == 0 {
			text, _ := r.MarshalJSON()
			bytes = len(text)
		}
		if i%256 == 255 || i == s.results-1 {
			if err := receipt.Wait(ctx); err != nil {
				return err
			}
		}
	}
	accepted := time.Since(start)
	if err := arrived.await(ctx, s.results); err != nil {
		return err
	}
	delivered := time.Since(start)
	n := float64(s.results)
	fmt.Printf("%-22s %12.0f %12.0f %14s %16.2f\n", far.name, n/accepted.Seconds(), n/delivered.Seconds(),
		((busy() - worked) / time.Duration(s.results)).Round(100*time.Nanosecond), float64(written()-wrote)/n/float64(bytes))
	return c.close()
}

// waits times results one by one, while nothing else happens: from the call of Append until the sink has taken it.
func (s settings) waits(ctx context.Context) error {
	fmt.Printf("\n%-22s %10s %10s %10s   %s\n", "idle", "p50", "p99", "max", fmt.Sprintf("from acceptance to delivery, %d results, one each %v", s.paced, s.pace))
	for i, far := range farSides {
		times, err := s.times(ctx, filepath.Join(s.folder, fmt.Sprint("waits-", i)), far, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", far.name, err)
		}
		printTimes(far.name, times)
	}
	return nil
}

func printTimes(name string, times []time.Duration) {
	fmt.Printf("%-22s %10v %10v %10v\n", name, percentile(times, 0.5).Round(10*time.Microsecond), percentile(times, 0.99).Round(10*time.Microsecond),
		percentile(times, 1).Round(10*time.Microsecond))
}

// times returns how long each of some paced results took to a sink, which may have a neighbour.
func (s settings) times(ctx context.Context, folder string, far farSide, neighbour *farSide) (times []time.Duration, err error) {
	c, err := newChain(ctx, folder)
	if err != nil {
		return nil, err
	}
	to, end, err := far.make(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer end()
	arrived, err := c.add("s", to)
	if err != nil {
		return nil, err
	}
	sinks := []string{"s"}
	if neighbour != nil {
		bad, endBad, err := neighbour.make(ctx, folder)
		if err != nil {
			return nil, err
		}
		defer endBad()
		if _, err := c.add("bad", bad); err != nil {
			return nil, err
		}
		sinks = append(sinks, "bad")
	}
	sent := map[string]time.Time{}
	beat := time.NewTicker(s.pace)
	defer beat.Stop()
	for range s.paced {
		<-beat.C
		_, r, err := c.put(sinks...)
		if err != nil {
			return nil, err
		}
		sent[r.ID] = r.Time
	}
	if err := arrived.await(ctx, s.paced); err != nil {
		return nil, err
	}
	for id, at := range arrived.at {
		times = append(times, at.Sub(sent[id]))
	}
	return times, c.close()
}

// neighbours compares the times of a good sink alone with those beside one that is slow, down or poisoned.
func (s settings) neighbours(ctx context.Context) error {
	good := farSides[0]
	fmt.Printf("\n%-22s %10s %10s %10s   to a file\n", "neighbour", "p50", "p99", "max")
	bad := []*farSide{
		nil,
		{"a good webhook", toReceiver(1, answer)},
		{"silent", toReceiver(1, silence)},
		{"answers 422", toReceiver(1, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) })},
		{"1 byte/s", toReceiver(1, drip)},
		{"down", func(ctx context.Context, folder string) (sink.Sink, func(), error) {
			to, end, err := toReceiver(1, answer)(ctx, folder)
			end()
			return to, func() {}, err
		}},
	}
	all := make([][]time.Duration, len(bad))
	for round := range s.rounds { // in turns, because machines have moods
		for i, b := range bad {
			times, err := s.times(ctx, filepath.Join(s.folder, fmt.Sprint("neighbours-", round, "-", i)), good, b)
			if err != nil {
				return fmt.Errorf("neighbour %d: %w", i, err)
			}
			all[i] = append(all[i], times...)
		}
	}
	for i, b := range bad {
		name := "none"
		if b != nil {
			name = b.name
		}
		printTimes(name, all[i])
	}
	return nil
}

// silence never answers.
func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then the server hears that the client has gone
	<-r.Context().Done()
}

// drip answers with a byte each second.
func drip(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for r.Context().Err() == nil {
		_, _ = w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		time.Sleep(time.Second)
	}
}

// busy is the CPU time of this process, far sides included that live in it.
func busy() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// written is how much this process has written to disks.
func written() int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(text), "\nwrite_bytes: ")
	if !ok {
		panic(errors.New("/proc/self/io has no write_bytes"))
	}
	var n int64
	if _, err := fmt.Sscan(rest, &n); err != nil {
		panic(err)
	}
	return n
}
