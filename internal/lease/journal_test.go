package lease_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
)

func TestRemainingOfWhatAnEarlierProcessLeft(t *testing.T) {
	const uptime = 3600 // of bubbleClock at the start, in seconds
	stream := `{"camera": "c", "key": "main", "id": "old", "ttl_seconds": 30}`
	intent := func(boot string, over float64) string {
		return fmt.Sprintf(`{"camera": "c", "key": "main", "ttl_seconds": 30, "boot_id": %q, "over_at_uptime_s": %g}`, boot, over)
	}
	for name, tc := range map[string]struct {
		entry, boot string
		want        time.Duration // 0: it is not there any more
	}{
		"a stream, whose last keepalive nobody noted":  {stream, "boot", 35 * time.Second},
		"an intent of this boot":                       {intent("boot", uptime+12.5), "boot", 12500 * time.Millisecond},
		"an intent whose time is over":                 {intent("boot", uptime-1), "boot", 0},
		"an intent of another boot":                    {intent("boot", uptime-1), "another", 35 * time.Second},
		"an intent of a boot without a name":           {intent("", uptime-1), "", 35 * time.Second},
		"an intent that claims to last for ever":       {intent("boot", 1e300), "boot", 55 * time.Second},
		"an intent that does not say when it was made": {intent("boot", 0), "boot", 35 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder := t.TempDir()
				write(t, folder, tc.entry)
				b := openBooks(folder, tc.boot)
				if tc.want == 0 {
					if got := b.Entries(); len(got) != 0 {
						t.Errorf("it has %v", got)
					}
					return
				}
				if got := b.Entries(); len(got) != 1 || got[0].TTL != 30*time.Second || b.Remaining(got[0]) != tc.want {
					t.Fatalf("it has %v, for %v", got, b.Remaining(got[0]))
				}
				e := b.Entries()[0]
				time.Sleep(10 * time.Second)
				if got := b.Remaining(e); got != tc.want-10*time.Second {
					t.Errorf("10 s later it remains for %v", got)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := b.Remaining(e); got != 0 {
					t.Errorf("after its end it remains for %v", got)
				}
				if there, want := len(b.Entries()), len(e.ID)/3; there != want { // a stream stays until somebody has looked after it
					t.Errorf("after its end there are %d entries, want %d", there, want)
				}
			})
		})
	}
}

func TestADamagedJournalNeverPreventsAStart(t *testing.T) {
	good := `{"camera": "c", "key": "main", "id": "old", "ttl_seconds": 30}`
	for name, tc := range map[string]struct {
		text string
		want []string // what can still be read
	}{
		"empty":              {"", nil},
		"cut":                {`{"version": 1, "streams": [` + good, nil},
		"zeros":              {strings.Repeat("\x00", 512), nil},
		"not ours":           {`[1, 2]`, nil},
		"of the future":      {`{"version": 2, "streams": [` + good + `]}`, nil},
		"too large":          {strings.Repeat(" ", 2<<20), nil},
		"one without camera": {`{"version": 1, "streams": [{"key": "main", "id": "x", "ttl_seconds": 30}, ` + good + `]}`, []string{"old"}},
		"one lease too long": {`{"version": 1, "streams": [` + good + `, {"camera": "d", "key": "main", "id": "x", "ttl_seconds": 1e12}]}`, []string{"old"}},
		"one lease negative": {`{"version": 1, "streams": [` + good + `, {"camera": "d", "key": "main", "id": "x", "ttl_seconds": -1e300}]}`, []string{"old"}},
		"one id broken":      {`{"version": 1, "streams": [` + good + `, {"camera": "d", "key": "main", "id": "x\ufffd", "ttl_seconds": 30}]}`, []string{"old"}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "leases.json"), []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			b := openBooks(folder, "boot")
			if got := metric(t, b.reg, "journal_damaged_total"); got != 1 {
				t.Errorf("counted %v damaged journals", got)
			}
			aside, _ := filepath.Glob(filepath.Join(folder, "leases.json.corrupt-*"))
			if len(aside) != 1 {
				t.Fatalf("set aside: %v", aside)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != tc.text {
				t.Errorf("the file set aside is another: %v", err)
			}
			if got := readDisk(t, folder).ids(); !slices.Equal(got, tc.want) {
				t.Errorf("the new file has %v, want %v", got, tc.want)
			}
			if again := openBooks(folder, "boot"); len(again.Entries()) != len(tc.want) || metric(t, again.reg, "journal_damaged_total") != 0 {
				t.Errorf("the next start finds %v", again.Entries())
			}
		})
	}
}

func TestAFolderInThePlaceOfTheJournalIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "leases.json"), 0o700); err != nil {
			t.Fatal(err)
		}
		run(t, newBench(t, folder, waits).Keeper, &fakeAPI{ttl: time.Minute}, time.Second, func() {
			if got := readDisk(t, folder).ids(); !slices.Equal(got, []string{"stream-1"}) {
				t.Errorf("the journal has %v", got)
			}
		})
	})
}

func TestTheJournalIsPrivateAndHasNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "", waits)
		run(t, b.Keeper, &fakeAPI{ttl: 30 * time.Second}, time.Minute, func() {
			if mode := stat(t, b.books.folder).Mode(); mode != 0o600 {
				t.Errorf("its mode is %v", mode)
			}
			text, err := os.ReadFile(filepath.Join(b.books.folder, "leases.json"))
			if err != nil || strings.Contains(string(text), "token") || !strings.Contains(string(text), `"fingerprint": "ab12"`) {
				t.Errorf("it says %s, %v", text, err)
			}
		})
	})
}

func TestWhatAKilledWriteLeftBehindIsSwept(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, mine)
	half := filepath.Join(folder, ".leases.json3141592653589793")
	if err := os.WriteFile(half, []byte(`{"version": 1, "str`), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openBooks(folder, "boot")
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half is still there: %v", err)
	}
	if got := b.Entries(); len(got) != 1 || got[0].ID != "old" {
		t.Errorf("it has %v", got)
	}
}

func TestADiskThatFailsIsShownAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, b := &fakeAPI{ttl: 300 * time.Second}, newBench(t, "", waits)
		var full atomic.Bool
		b.books.WriteThrough(func(text []byte, write func([]byte) error) error {
			if full.Load() {
				return errors.New("no space left on device")
			}
			return write(text)
		})
		full.Store(true)
		run(t, b.Keeper, api, time.Minute, func() {
			if got := b.books.part.View(); got.State != "failing" || !strings.Contains(got.Error, "no space") {
				t.Errorf("the status is %+v", got)
			}
			if got := metric(t, b.books.reg, "journal_write_failures_total"); got < 12 || got > 16 {
				t.Errorf("counted %v failures within a minute", got)
			}
			if got := b.Part.View().State; got != "active" {
				t.Errorf("without a disk the stream is %s", got)
			}
			full.Store(false)
			time.Sleep(6 * time.Second)
			if got := readDisk(t, b.books.folder).ids(); !slices.Equal(got, []string{"stream-1"}) {
				t.Errorf("with the disk back it has %v", got)
			}
			if got := b.books.part.View(); got.State != "ok" || got.Error != "" {
				t.Errorf("with the disk back the status is %+v", got)
			}
		})
	})
}

func TestADiskThatHangsStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder, hangs := t.TempDir(), make(chan struct{})
		first := newBench(t, folder, waits)
		first.books.WriteThrough(func(text []byte, write func([]byte) error) error {
			if strings.Contains(string(text), "yard") {
				<-hangs
			}
			return write(text)
		})
		second := newBench(t, folder, waits)
		second.Journal = first.Journal
		api, other := &fakeAPI{ttl: 6 * time.Second}, &fakeAPI{ttl: 6 * time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var cameras sync.WaitGroup
		cameras.Go(func() { _ = first.Run(ctx, api, here) })
		time.Sleep(time.Minute)
		asked := time.Now()
		cameras.Go(func() { _ = second.Run(ctx, other, lease.Place{Camera: "yard", Key: "main"}) })
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := first.books.part.View(); got.State != "failing" {
			t.Errorf("the status is %+v", got)
		}
		if len(other.creates) != 1 || other.creates[0].Sub(asked) != 5*time.Second {
			t.Errorf("the second camera had %v, it asked at %v", other.creates, asked)
		}
		close(hangs)
		synctest.Wait()
		if got := first.books.part.View(); got.State != "ok" || len(readDisk(t, folder).ids()) != 2 {
			t.Errorf("with the disk back the status is %+v, the journal has %v", got, readDisk(t, folder).ids())
		}
		cameras.Wait()
		if len(api.creates) != 1 || len(other.creates) != 1 || len(api.keepalives) < 50 {
			t.Errorf("%d and %d creates, %d keepalives", len(api.creates), len(other.creates), len(api.keepalives))
		}
	})
}

func TestAJournalWithoutAFolderLivesInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, b := &fakeAPI{ttl: 300 * time.Second}, newBench(t, "", nil)
		b.Journal = openBooks("", "boot").Journal
		b.Use = func(context.Context, *lease.Lease) error { return errors.New("broken") }
		if err := b.Run(t.Context(), api, here); err == nil || !b.Adopts("c") {
			t.Errorf("got %v", err)
		}
		b.Use = waits
		run(t, b.Keeper, api, time.Minute, nil)
		if len(api.creates) != 1 || len(b.Journal.Entries()) != 0 {
			t.Errorf("%d creates, the journal has %v", len(api.creates), b.Journal.Entries())
		}
	})
}

func TestManyCamerasShareOneJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books := openBooks(t.TempDir(), "boot")
		var writes atomic.Int32
		books.WriteThrough(func(text []byte, write func([]byte) error) error {
			time.Sleep(20 * time.Millisecond) // an SD card
			writes.Add(1)
			return write(text)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		const cameras = 50
		var all sync.WaitGroup
		for i := range cameras {
			all.Go(func() {
				b := newBench(t, "", waits)
				b.Journal = books.Journal
				if err := b.Run(ctx, &fakeAPI{ttl: 300 * time.Second}, lease.Place{Camera: fmt.Sprint(i), Key: "main"}); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := len(readDisk(t, books.folder).Streams); got != cameras || writes.Load() > 10 {
			t.Errorf("the journal has %d streams after %d writes", got, writes.Load())
		}
		all.Wait()
		if got := readDisk(t, books.folder).ids(); len(got) != 0 {
			t.Errorf("at the end the journal has %v", got)
		}
	})
}
