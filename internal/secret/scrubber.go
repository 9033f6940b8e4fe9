package secret

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Scrubber blanks secrets in texts. It looks for the values it was given, plain and in the usual escapes
// (URL, JSON, %q, base64), and for shapes: JSON Web Tokens, Overshoot keys, user:password@ in URLs, Bearer
// tokens, query parameters named token, access_token, password, pwd and api_key.
//
// Values shorter than 4 characters are not looked for: they would be found in every other word. The zero
// Scrubber is ready to use and knows the shapes only. All methods may be called from any goroutine.
type Scrubber struct {
	mu    sync.Mutex // held while adding
	forms atomic.Pointer[[]string]
}

// Add makes the values of the secrets known, for all later calls. Values stay known until the Scrubber is
// gone: a rotated key may still stand in an error on its way.
func (s *Scrubber) Add(secrets ...Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	if known := s.forms.Load(); known != nil {
		all = slices.Clone(*known)
	}
	for _, secret := range secrets {
		all = append(all, forms(secret.Reveal())...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	s.forms.Store(&all)
}

// Scrub returns the text with every secret replaced by [Placeholder]. A text without secrets is returned
// as it is and costs no allocation.
func (s *Scrubber) Scrub(text string) string {
	spans := s.spans(text)
	if len(spans) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for _, span := range spans {
		if span.end <= done {
			continue
		}
		if span.start > done || done == 0 { // a span that overlaps the one before only prolongs it
			out.WriteString(text[done:max(done, span.start)])
			out.WriteString(Placeholder)
		}
		done = span.end
	}
	out.WriteString(text[done:])
	return out.String()
}

type span struct{ start, end int }

// spans returns the places of all secrets in the text, by their start. They may overlap.
func (s *Scrubber) spans(text string) []span {
	var found []span
	blank := func(start, end int) { found = append(found, span{start, end}) }
	if known := s.forms.Load(); known != nil {
		for _, form := range *known {
			for from := 0; ; {
				at := strings.Index(text[from:], form)
				if at < 0 {
					break
				}
				blank(from+at, from+at+len(form))
				from += at + 1 // not the whole form: "aXaXa" holds "aXa" twice
			}
		}
	}
	for _, p := range patterns {
		p.find(text, blank)
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return found
}

// Error returns an error with a scrubbed text, which wraps err: errors.Is and errors.As still see what it
// was made of. What errors.As finds prints the secret again. nil gives nil.
func (s *Scrubber) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	scrubbed := s.Scrub(text)
	if scrubbed == text {
		return err
	}
	return &scrubbedError{text: scrubbed, err: err}
}

type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string    { return e.text }
func (e *scrubbedError) GoString() string { return e.text }
func (e *scrubbedError) Unwrap() error    { return e.err }

// Writer returns a writer that scrubs each Write on its own and passes it on in one Write. It fits below a
// logger that writes one entry per call; a secret split between two calls is not seen. It is as safe for
// concurrent use as w.
func (s *Scrubber) Writer(w io.Writer) io.Writer { return &scrubbingWriter{scrubber: s, next: w} }

type scrubbingWriter struct {
	scrubber *Scrubber
	next     io.Writer
}

func (w *scrubbingWriter) Write(p []byte) (int, error) {
	text := string(p)
	scrubbed := w.scrubber.Scrub(text)
	if scrubbed == text {
		return w.next.Write(p)
	}
	if _, err := io.WriteString(w.next, scrubbed); err != nil {
		return 0, err // how much of p that was cannot be told
	}
	return len(p), nil
}
