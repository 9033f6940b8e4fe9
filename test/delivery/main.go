// Command delivery measures the way of a result from its acceptance to each kind of sink, with the agent's own packages and real far sides:
// how many per second, how long it takes, what it writes, and whether a bad sink is felt by a good one. scripts/delivery.sh runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

type settings struct {
	results int           // of each throughput row
	pace    time.Duration // from one result to the next where time is measured
	paced   int           // how many of those
	rounds  int           // of those with neighbours
	folder  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var s settings
	flag.IntVar(&s.results, "results", 50_000, "how many results each kind of sink gets")
	flag.IntVar(&s.paced, "paced", 2000, "how many results are timed")
	flag.DurationVar(&s.pace, "pace", 5*time.Millisecond, "from one timed result to the next")
	flag.IntVar(&s.rounds, "rounds", 3, "how often each neighbour has its turn")
	flag.StringVar(&s.folder, "folder", "", "where spool and files go: a folder on the disk in question; default: a temporary one")
	flag.Parse()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "delivery:", err)
		os.Exit(1)
	}
}

func (s settings) run(ctx context.Context) (err error) {
	if s.folder, err = os.MkdirTemp(s.folder, "delivery-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.folder)
	for _, step := range []func(context.Context) error{s.throughput, s.waits, s.neighbours} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
