package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A row is what was measured of one process.
type row struct {
	cpu         float64 // cores
	memory      memory
	inside      spread
	followed    float64 // share of the pictures whose time inside is known
	through     spread
	arrived     float64 // share of the packets that arrived at the far end
	sent        float64 // packets per packet of the camera; 0: not known, as below
	allocations float64 // per packet sent
	unsent      int64   // packets of the cameras themselves
}

const heading = "cameras                       CPU %  each  ×floor   MB (anon)   inside ms p50 p99 max   through ms p50 p99 max   sent  allocs   arrived\n"

func (r row) show(n int, name string, floor row) string {
	text := fmt.Sprintf("%3d  %-21s %8.2f %6.2f %6.2f  %5.1f (%4.1f)  %22s  %22s  %5.2f  %6.2f  %6.2f %%",
		n, name, r.cpu*100, r.cpu*100/float64(n), r.cpu/floor.cpu, r.memory.resident/1e6, r.memory.anonymous/1e6,
		r.shownInside(), r.through, r.sent, r.allocations, r.arrived*100)
	if r.unsent > 0 {
		text += fmt.Sprintf("\n     this machine was too busy: %d packets never left their camera", r.unsent)
	}
	return text
}

// shownInside leaves out what is known of too few pictures to mean anything.
func (r row) shownInside() string {
	if r.followed < 0.8 {
		return fmt.Sprintf("only %.0f %% followed", r.followed*100)
	}
	return r.inside.String()
}

// medians takes the median of each figure by itself.
func medians(rows []row) row {
	return row{
		cpu: median(rows, func(r row) float64 { return r.cpu }),
		memory: memory{
			resident:  median(rows, func(r row) float64 { return r.memory.resident }),
			anonymous: median(rows, func(r row) float64 { return r.memory.anonymous }),
		},
		inside:      medianSpread(rows, func(r row) spread { return r.inside }),
		followed:    median(rows, func(r row) float64 { return r.followed }),
		through:     medianSpread(rows, func(r row) spread { return r.through }),
		arrived:     median(rows, func(r row) float64 { return r.arrived }),
		sent:        median(rows, func(r row) float64 { return r.sent }),
		allocations: median(rows, func(r row) float64 { return r.allocations }),
		unsent:      median(rows, func(r row) int64 { return r.unsent }),
	}
}

func medianSpread(rows []row, of func(row) spread) spread {
	return spread{
		n:       median(rows, func(r row) int { return of(r).n }),
		median:  median(rows, func(r row) time.Duration { return of(r).median }),
		p99:     median(rows, func(r row) time.Duration { return of(r).p99 }),
		longest: median(rows, func(r row) time.Duration { return of(r).longest }),
	}
}

func median[T cmp.Ordered](rows []row, figure func(row) T) T {
	all := make([]T, 0, len(rows))
	for _, r := range rows {
		all = append(all, figure(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
