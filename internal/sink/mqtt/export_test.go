package mqtt

import "time"

// NoJitter makes the answer to Home Assistant's start immediate. Call it before Start.
func (s *Sink) NoJitter() { s.jitter = func() time.Duration { return 0 } }

// KeepAlive sets after how many seconds without a sign of the broker it is asked for one. Call it before Start.
func (s *Sink) KeepAlive(seconds uint16) { s.keepAlive = seconds }
