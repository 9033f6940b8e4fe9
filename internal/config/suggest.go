package config

import (
	"fmt"
	"slices"
	"strings"
)

// DidYouMean returns `did you mean "x"?` for the candidate closest to word, or else the list of all
// candidates, or "" when there are none. It is the end of a message about a word that is not known.
func DidYouMean(word string, candidates []string) string {
	best := closest(word, candidates)
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(candidates) == 0:
		return ""
	default:
		sorted := slices.Sorted(slices.Values(candidates))
		if len(sorted) > 20 {
			sorted = append(sorted[:20], "…")
		}
		return "known here: " + strings.Join(sorted, ", ")
	}
}

// closest returns the candidate that word was probably meant to be, "" when none is near: a third of its
// letters may be wrong, and it may be longer, as "warning" is for "warn".
func closest(word string, candidates []string) string {
	best, bestDistance := "", len(word)/3+1
	if len(word) > 64 {
		return ""
	}
	for _, candidate := range candidates {
		d := distance(fold(word), fold(candidate))
		if len(candidate) > 2 && strings.HasPrefix(fold(word), fold(candidate)) {
			d = min(d, 1)
		}
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// fold removes the differences that people make without noticing.
func fold(word string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(word))
}

// distance counts the letters to insert, remove, replace, or swap with their neighbour to get from a to b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	beforeLast, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			replace := last[j-1]
			if x[i-1] != y[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], beforeLast[j-2]+1)
			}
		}
		beforeLast, last = last, row
	}
	return last[len(y)]
}
