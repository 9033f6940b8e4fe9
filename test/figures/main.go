// Command figures measures what the agent costs, and beside it a floor: a relay that does nothing but what cannot be left out, doing the same
// work with the same cameras on the same machine. It prints a table; scripts/figures.sh runs it.
//
// CPU is CPU time, user and system, as a share of one core. The time inside is that between the arrival of a packet's last byte over TCP and
// the departure of its last part over UDP, by the kernel's clock. The time through is from the camera's send to the far end: for the floor a
// socket, for the agent a viewer behind livekit-server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	protocol "github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

type settings struct {
	agent, relay, livekit, clip string
	cameras, payloads           []int
	watches                     []time.Duration
	rounds                      int
	warmUp, duration, sniffing  time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	lksdk.SetLogger(protocol.LogRLogger(logr.Discard()))
	s, err := parse()
	if err == nil {
		err = s.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		stop()
		os.Exit(1)
	}
}

func parse() (s settings, err error) {
	flag.StringVar(&s.agent, "agent", "bin/overshoot-agent", "the agent")
	flag.StringVar(&s.relay, "relay", "bin/figures-relay", "the floor")
	flag.StringVar(&s.livekit, "livekit-server", ".cache/livekit-server", "livekit-server")
	flag.StringVar(&s.clip, "clip", "", "what the cameras play: an Annex-B file of 30 pictures per second")
	flag.IntVar(&s.rounds, "rounds", 1, "how often each row is measured; medians are printed")
	flag.DurationVar(&s.warmUp, "warm-up", 10*time.Second, "before each measurement")
	flag.DurationVar(&s.duration, "measure", 30*time.Second, "for how long CPU is measured")
	flag.DurationVar(&s.sniffing, "sniff", 8*time.Second, "for how long the time inside is measured after that")
	cameras := flag.String("cameras", "1,5,25", "numbers of cameras")
	payloads := flag.String("payloads", "1400,1200", "largest payloads of the cameras, bytes; what is over 1200 has to be cut")
	watches := flag.String("watches", "60s,1s", "how often the agent asks about each camera; times other than the first with the first payload only")
	flag.Parse()
	s.cameras, err = list(*cameras, strconv.Atoi)
	if err == nil {
		s.payloads, err = list(*payloads, strconv.Atoi)
	}
	if err == nil {
		s.watches, err = list(*watches, time.ParseDuration)
	}
	return s, err
}

func list[T any](text string, parse func(string) (T, error)) (values []T, err error) {
	for word := range strings.SplitSeq(text, ",") {
		value, err := parse(word)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func (s settings) run(ctx context.Context) error {
	for i, payload := range s.payloads {
		c, err := loadClip(s.clip, payload)
		if err != nil {
			return err
		}
		packets, megabits := c.rate()
		fmt.Printf("\ncameras of %d pictures, %.0f packets of at most %d bytes and %.2f Mbit/s each\n", picturesPerSecond, packets, payload, megabits)
		fmt.Print(heading)
		watches := s.watches
		if i > 0 {
			watches = watches[:1]
		}
		for _, n := range s.cameras {
			if err := s.compare(ctx, c, n, watches); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare prints the rows of so many cameras: the floor, and the agent with each watch.
func (s settings) compare(ctx context.Context, c *clip, n int, watches []time.Duration) error {
	kinds := append([]time.Duration{0}, watches...)
	rows := make([][]row, len(kinds))
	for range s.rounds {
		for i, every := range kinds {
			r, err := s.measured(ctx, c, n, every)
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			if err != nil {
				return fmt.Errorf("%d cameras, %s: %w", n, nameOf(every), err)
			}
			rows[i] = append(rows[i], r)
		}
	}
	floor := medians(rows[0])
	for i, every := range kinds {
		fmt.Println(medians(rows[i]).show(n, nameOf(every), floor))
	}
	return nil
}

func nameOf(every time.Duration) string {
	if every == 0 {
		return "floor"
	}
	return "agent, asks every " + strconv.FormatFloat(every.Seconds(), 'f', -1, 64) + " s"
}
