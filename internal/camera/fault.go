package camera

import "errors"

// A Reason says in one word why a camera could not be used; it labels the metric and chooses the pause before the next attempt.
type Reason string

// The closed list of reasons.
const (
	Unreachable Reason = "unreachable" // no connection: wrong address, switched off, network down
	Auth        Reason = "auth"        // user name or password refused
	NotFound    Reason = "not_found"   // the camera answered, but has no such stream
	Busy        Reason = "busy"        // too many viewers already
	WrongCodec  Reason = "codec"       // it sends nothing that could be used
	Stalled     Reason = "stalled"     // connected, but complete pictures stopped
	Closed      Reason = "closed"      // the camera ended the session
	Protocol    Reason = "protocol"    // it answered something we do not understand
)

// Reasons lists them all, for metrics that show every series from the start.
func Reasons() []Reason {
	return []Reason{Unreachable, Auth, NotFound, Busy, WrongCodec, Stalled, Closed, Protocol}
}

// A Fault is a camera's error with its reason and, where a person can help, what to do.
type Fault struct {
	Reason Reason
	Advice string // a sentence for the log and the status page; may be empty
	Err    error
}

func (f *Fault) Error() string {
	if f.Advice == "" {
		return f.Err.Error()
	}
	return f.Err.Error() + "; " + f.Advice
}

func (f *Fault) Unwrap() error { return f.Err }

// ReasonOf returns the reason of err, Protocol where it names none.
func ReasonOf(err error) Reason {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Reason
	}
	return Protocol
}
