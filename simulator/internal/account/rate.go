package account

import "time"

// second counts the requests of one user in one second of the wall clock.
type second struct {
	unix int64
	used int
}

// An Allowance is what the rate limit said to one request.
type Allowance struct {
	OK        bool
	Limit     int   // requests per second
	Remaining int   // left in this second
	Reset     int64 // Unix second in which the count starts anew
}

// Allow counts one request of a user at now and tells whether the limit, in requests per second, still lets it pass.
func (b *Book) Allow(user string, now time.Time, limit int) Allowance {
	b.mu.Lock()
	defer b.mu.Unlock()
	current := b.seconds[user]
	if current == nil {
		current = &second{}
		b.seconds[user] = current
	}
	if current.unix != now.Unix() {
		*current = second{unix: now.Unix()}
	}
	allowance := Allowance{Limit: limit, Reset: current.unix + 1}
	if current.used < limit {
		current.used++
		allowance.OK = true
		allowance.Remaining = limit - current.used
	}
	return allowance
}
