package mqtt

import "time"

// NoJitter makes the answer to Home Assistant's start immediate. Call it before Start.
func (s *Sink) NoJitter() { s.jitter = func() time.Duration { return 0 } }
