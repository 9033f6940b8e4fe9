package lease

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/wake"
)

// An Entry is one stream in the journal, or an intent: a create whose answer is not known (yet), so that there may be a stream whose id
// nobody knows.
type Entry struct {
	Place
	ID     string        // "" for an intent
	Region string        // where the stream lives, "" when not known
	TTL    time.Duration // of its lease, as far as known

	number   uint64        // names it within this process
	over     time.Duration // uptime at which the stream has ended unless it is renewed
	unwanted bool          // somebody deletes it
}

// toAnswer is within how long a create is answered or given up, that is for how long the service may still carry it out.
const toAnswer = 20 * time.Second

const (
	fileVersion = 1
	maxText     = 512         // of a name or an id
	minTTL      = time.Second // seen: 30 to 300 s
	maxTTL      = 24 * time.Hour
)

// fileEntry is an entry as the file has it. For a stream the file does not say when it ends, because keepalives are not written: whoever
// reads it has to assume that it was renewed just now.
type fileEntry struct {
	Camera      string  `json:"camera"`
	Key         string  `json:"key"`
	Fingerprint string  `json:"fingerprint,omitempty"`
	ID          string  `json:"id,omitempty"`
	Region      string  `json:"region,omitempty"`
	TTLSeconds  float64 `json:"ttl_seconds"`
	BootID      string  `json:"boot_id,omitempty"`          // of intents
	OverAt      float64 `json:"over_at_uptime_s,omitempty"` // of intents: seconds since that boot, by CLOCK_BOOTTIME
}

type fileBody struct {
	Version int         `json:"version"`
	Streams []fileEntry `json:"streams"`
}

// encode writes entries for people and for decode.
func encode(entries []Entry, boot string) ([]byte, error) {
	body := fileBody{Version: fileVersion, Streams: []fileEntry{}}
	for _, e := range entries {
		f := fileEntry{
			Camera: e.Camera, Key: e.Key, Fingerprint: e.Fingerprint, ID: e.ID, Region: e.Region, TTLSeconds: e.TTL.Seconds(),
		}
		if e.ID == "" {
			f.BootID, f.OverAt = boot, e.over.Seconds()
		}
		body.Streams = append(body.Streams, f)
	}
	text, err := json.MarshalIndent(body, "", "  ")
	return append(text, '\n'), err
}

// decode reads what encode wrote, without the intents that are over. With an error it returns the entries that can be made sense of.
func decode(text []byte, clock wake.Clock) ([]Entry, error) {
	var body fileBody
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, err
	}
	if body.Version != fileVersion {
		return nil, fmt.Errorf("it is of version %d, not %d", body.Version, fileVersion)
	}
	var entries []Entry
	var problems []error
	for i, f := range body.Streams {
		e, err := f.entry(clock)
		if err != nil {
			problems = append(problems, fmt.Errorf("stream %d: %w", i+1, err))
		} else if e.ID != "" || e.over > clock.Uptime() {
			entries = append(entries, e)
		}
	}
	return entries, errors.Join(problems...)
}

func (f fileEntry) entry(clock wake.Clock) (Entry, error) {
	if f.Camera == "" || f.Key == "" {
		return Entry{}, errors.New("it has no camera or no key")
	}
	for _, text := range []string{f.Camera, f.Key, f.Fingerprint, f.ID, f.Region} {
		if len(text) > maxText || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\ufffd' }) {
			return Entry{}, errors.New("a text in it is damaged")
		}
	}
	if f.TTLSeconds < minTTL.Seconds() || f.TTLSeconds > maxTTL.Seconds() {
		return Entry{}, fmt.Errorf("its lease of %g s makes no sense", f.TTLSeconds)
	}
	e := Entry{
		Place: Place{Camera: f.Camera, Key: f.Key, Fingerprint: f.Fingerprint},
		ID:    f.ID, Region: f.Region, TTL: seconds(f.TTLSeconds),
	}
	e.over = clock.Uptime() + e.TTL + slack
	if f.ID == "" && f.BootID == clock.Boot && clock.Boot != "" && f.OverAt > 0 {
		e.over = seconds(min(f.OverAt, (e.over + toAnswer).Seconds()))
	}
	return e, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
