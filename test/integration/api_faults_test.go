package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An apiFault is something that comes instead of an answer of the service.
type apiFault struct {
	name string // also of the key that it strikes
	rule string // of the simulator
	// pause returns how long a 429 wants to be left alone, as of a moment. nil: it is no 429.
	pause func(now time.Time) time.Duration
}

// apiFaults are all that the service, and what stands between, may come up with.
func apiFaults() (all []apiFault) {
	for _, status := range []int{401, 402, 403, 409, 422, 500, 501, 502, 503, 504} {
		all = append(all, apiFault{name: fmt.Sprint(status), rule: fmt.Sprintf(`"status":%d`, status)})
	}
	date := time.Now().Add(10 * time.Second)
	for _, busy := range []struct {
		name, header string
		pause        func(time.Time) time.Duration
	}{
		{"zero", "0", constantly(time.Second)}, // that is the least
		{"seconds", "3", constantly(3 * time.Second)},
		{"hour", "3600", constantly(5 * time.Minute)}, // that is the most
		{"date", date.UTC().Format(http.TimeFormat), func(now time.Time) time.Duration { return max(time.Second, date.Sub(now)-time.Second) }},
		{"garbage", "soon", constantly(time.Second)},
	} {
		all = append(all, apiFault{"429-" + busy.name, fmt.Sprintf(`"status":429,"headers":{"Retry-After":%q}`, busy.header), busy.pause})
	}
	return append(
		all,
		apiFault{name: "hang", rule: `"hang":true`},
		apiFault{name: "slow", rule: `"slow_loris":20`},
		apiFault{name: "huge", rule: `"body_bytes":104857600`},
		apiFault{name: "malformed", rule: `"status":200,"body":"{\"id\": nobody,"`},
	)
}

func constantly(d time.Duration) func(time.Time) time.Duration {
	return func(time.Time) time.Duration { return d }
}

// faultsOf returns them for one kind of call, of streams that are struck again later. What asks for an hour gets keys of its own: they cannot
// be struck again soon.
func faultsOf(op string) []apiFault {
	faults := apiFaults()
	hour := slices.IndexFunc(faults, func(f apiFault) bool { return f.name == "429-hour" })
	faults[hour].name += "-" + op
	return faults
}

// faultsNamed returns some of them.
func faultsNamed(names string) (some []apiFault) {
	for _, fault := range apiFaults() {
		if slices.Contains(strings.Fields(names), fault.name) {
			some = append(some, fault)
		}
	}
	return some
}

func namesOf(faults []apiFault) (names []string) {
	for _, fault := range faults {
		names = append(names, fault.name)
	}
	return names
}

// namesBut returns the names of all faults but some.
func namesBut(faults []apiFault, but string) []string {
	return slices.DeleteFunc(namesOf(faults), func(name string) bool { return slices.Contains(strings.Fields(but), name) })
}
