package spool_test

import (
	"encoding/binary"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
)

// FuzzSpoolRecover changes the files of a spool in up to a few dozen places: it must start, and deliver only what was put in.
func FuzzSpoolRecover(f *testing.F) {
	var w *wreck
	f.Add([]byte{0, 0, 0, 0, 0, 1})     // file, place, change
	f.Add([]byte{0, 0, 0, 0, 28, 7})    // the size of the database in its header
	f.Add([]byte{1, 0, 0, 0, 40, 0xff}) // the first frame of the log
	f.Add([]byte{2, 0, 0, 4, 0, 0})     // cut off
	f.Add([]byte{0, 0, 0, 4, 3, 9, 1, 0, 0, 9, 9, 9})
	f.Fuzz(func(t *testing.T, changes []byte) {
		if w == nil {
			w = newWreck(t)
		}
		db, wal := append([]byte(nil), w.db...), append([]byte(nil), w.wal...)
		for ; len(changes) >= 6; changes = changes[6:] {
			place, file := int(binary.BigEndian.Uint32(changes[1:])), &db
			if changes[0]%4 == 1 || changes[0]%4 == 3 {
				file = &wal
			}
			if len(*file) == 0 {
				continue
			}
			if place %= len(*file); changes[0]%4 < 2 {
				(*file)[place] ^= changes[5]
			} else {
				*file = (*file)[:place]
			}
		}
		w.judge(t, db, wal)
	})
}

// FuzzParts reads what strangers may have written as parts and records.
func FuzzParts(f *testing.F) {
	f.Add([]byte("ovS1"), uint64(1))
	f.Fuzz(func(t *testing.T, text []byte, position uint64) {
		if !spool.PartsAreSafe(text, position) {
			t.Error("what was split is not found again")
		}
	})
}
