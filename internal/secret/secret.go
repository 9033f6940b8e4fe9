// Package secret keeps passwords, API keys and tokens out of everything that people read.
//
// It has two halves. [Secret] is a value that prints as "<secret>" whatever prints it, so that a
// struct holding one can be logged without thought. [Scrubber] is the last line of defence for text
// that others made (error strings, child processes, libraries): it knows the secret values in use and
// the shapes secrets come in, and blanks both.
package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"unique"
)

// Placeholder is what stands in the place of a secret in any output.
const Placeholder = "<secret>"

// Secret is a text that must not be printed. The zero value is the empty secret. Two secrets with the
// same text are equal with ==.
//
// The text lies behind a handle and not in a string field: fmt does not call methods on unexported
// fields of other structs, and would print a string there. Of a handle it prints an address.
type Secret struct {
	handle unique.Handle[string]
}

// New returns the secret with the given text. The empty text gives the zero Secret.
func New(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{handle: unique.Make(text)}
}

// Reveal returns the text. Call it only where the secret is sent to whom it is meant for.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.handle.Value()
}

// IsZero reports whether the secret is empty, that is, not set.
func (s Secret) IsZero() bool { return s == Secret{} }

// Fingerprint returns the first 8 hex digits of the SHA-256 of the text, so that two logs can be
// compared without the secret; "" for the empty secret. It is meant for API keys: of a short
// password a fingerprint helps whoever guesses.
func (s Secret) Fingerprint() string {
	if s.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:4])
}

// String returns the placeholder.
func (s Secret) String() string { return Placeholder }

// GoString returns the placeholder, for %#v.
func (s Secret) GoString() string { return Placeholder }

// Format prints the placeholder for every verb, %x and %d included.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, Placeholder) }

// MarshalJSON gives the placeholder as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, Placeholder), nil }

// MarshalText gives the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }

// MarshalYAML gives the placeholder.
func (s Secret) MarshalYAML() (any, error) { return Placeholder, nil }

// LogValue gives the placeholder to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Placeholder) }
