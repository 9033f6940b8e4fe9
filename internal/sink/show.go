package sink

import (
	"context"
	"strconv"
	"time"
)

// showEvery is how old the lag on the status page may be.
const showEvery = 5 * time.Second

// showLag keeps the status page informed of what waits, until ctx ends. It does so beside the deliveries, because one of them may hang.
func (l *Loop) showLag(ctx context.Context) {
	ticker := time.NewTicker(showEvery)
	defer ticker.Stop()
	for {
		waiting, oldest := "", ""
		if n := l.Queue.Len(); n > 0 {
			waiting, oldest = strconv.Itoa(n), l.Queue.Oldest().Round(time.Second).String()
		}
		l.Part.Detail("waiting", waiting)
		l.Part.Detail("oldest_age", oldest)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// now is the time as the status page shows it.
func now() string { return time.Now().UTC().Format(time.RFC3339) }
