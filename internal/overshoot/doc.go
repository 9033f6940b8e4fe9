// Package overshoot speaks HTTP to the Overshoot video inference service, API
// generation v1beta, and turns its answers into values and typed errors.
//
// A [Client] belongs to one API key and may be used by many goroutines. Every
// method blocks until it has an answer, its context ends or its own time limit
// passes. Methods do not retry, because only the caller knows what a second try
// may cost; there are three exceptions. A 409 that names the right region
// is repeated there, at most twice, and the region that worked is returned. Lists
// that need no key are asked without it and once more with it after a 401. Any other
// 401 is followed by one more try if the key was replaced meanwhile.
//
// After a 429 all calls of the same sort on the same key fail at once, unsent, until
// the pause that the service asked for is over: see Held of [Error]. Only deleting is
// never held up.
//
// All errors are [*Error]. [KindOf] names the reason from a short closed list,
// fit for metrics; [ActionOf] names what to do about it. No error holds the API
// key, a room token or the text of a URL with credentials.
//
// The service is treated as a stranger: answers are bounded in size and time,
// unknown fields are ignored, optional fields of a wrong type count as absent,
// required ones make the answer an error of [KindMalformed].
package overshoot
