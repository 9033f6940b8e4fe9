package mqtt

import (
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

const (
	// firstPause and longestPause lie between attempts to find a broker. Others see that we are back within five seconds after it is.
	firstPause, longestPause = 250 * time.Millisecond, 3 * time.Second
	// firstSulk and longestSulk lie between attempts to come back to a broker that does not want us, or where somebody takes our place.
	firstSulk, longestSulk = 5 * time.Second, time.Minute
	// wellAfter and quietAfter are how long a connection must last for the next pause, or sulk, to be short again.
	wellAfter, quietAfter = 10 * time.Second, 2 * time.Minute
	// tooBrief is how many connections in a row may break before they have lasted well: two clients of one id throw each other out, and not
	// every broker says so.
	tooBrief = 2
)

// pace says how long to wait between two connections.
type pace struct {
	quick, sulk *retry.Pause
	brief       int // connections in a row that broke soon
}

func newPace() *pace {
	return &pace{quick: retry.NewPause(firstPause, longestPause), sulk: retry.NewPause(firstSulk, longestSulk)}
}

// after returns how long to wait after a connection that lasted so long, 0 for none, and why that is: the cause of its end, or something
// worse. While we sulk nobody may hurry us.
func (p *pace) after(lasted time.Duration, why error) (pause time.Duration, sulking bool, _ error) {
	if lasted > quietAfter {
		p.sulk.Reset()
	}
	away, said := errors.AsType[awayError](why)
	switch {
	case lasted > wellAfter:
		p.quick.Reset()
		p.brief = 0
	case lasted == 0: // it is the broker that is not there
		p.brief = 0
	case !said || !isPoison(away.code):
		p.brief++
	}
	switch {
	case said && away.lasts():
		return p.sulk.Next(), true, why
	case p.brief >= tooBrief:
		return p.sulk.Next(), true, fmt.Errorf("connections break soon after they are made; maybe somebody else has the same client_id: %w", why)
	}
	return p.quick.Next(), false, why
}
