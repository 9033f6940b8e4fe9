package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A part is a piece of a record as it lies in the file: small enough to fit into one page, and able to prove by itself that it is whole and
// what it is. So a part counts wherever it is found, be it in a page that SQLite no longer knows of. All numbers are big-endian:
//
//	offset 0   4  the letters "ovS1"
//	       4   4  CRC32C of all that follows
//	       8   2  length of the data
//	      10   1  kind of the record
//	      11   2  which part of the record, from 0
//	      13   2  of how many
//	      15   8  position of the record
//	      23      data
type part struct {
	kind     kind
	index    uint16
	count    uint16
	position uint64
	data     []byte
}

// kind says what a record is.
type kind byte

const (
	kindResult  kind = 'r'
	kindCursors kind = 'c'
	kindDead    kind = 'd'
)

const (
	partMagic = "ovS1"
	partHead  = 23
	// partData keeps a part, the 4 bytes that SQLite puts before it and the 35 it keeps for itself in one page of pageSize.
	partData = pageSize - 35 - 4 - partHead
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// split cuts a record into parts as they go into the file.
func split(k kind, position uint64, record []byte) [][]byte {
	count := partsOf(len(record))
	parts := make([][]byte, 0, count)
	for i := range count {
		data := record[i*partData : min((i+1)*partData, len(record))]
		p := make([]byte, 8, partHead+len(data))
		copy(p, partMagic)
		p = binary.BigEndian.AppendUint16(p, uint16(len(data)))
		p = append(p, byte(k))
		p = binary.BigEndian.AppendUint16(p, uint16(i))
		p = binary.BigEndian.AppendUint16(p, uint16(count))
		p = binary.BigEndian.AppendUint64(p, position)
		p = append(p, data...)
		binary.BigEndian.PutUint32(p[4:], crc32.Checksum(p[8:], castagnoli))
		parts = append(parts, p)
	}
	return parts
}

// partsOf tells how many parts a record of so many bytes has.
func partsOf(size int) int { return max(1, (size+partData-1)/partData) }

// parsePart reads the part that text begins with; size is its length in the file. Its data is that of text.
func parsePart(text []byte) (p part, size int, ok bool) {
	if len(text) < partHead || string(text[:4]) != partMagic {
		return part{}, 0, false
	}
	size = partHead + int(binary.BigEndian.Uint16(text[8:]))
	if size > partHead+partData || size > len(text) || crc32.Checksum(text[8:size], castagnoli) != binary.BigEndian.Uint32(text[4:]) {
		return part{}, 0, false
	}
	p = part{
		kind: kind(text[10]), index: binary.BigEndian.Uint16(text[11:]), count: binary.BigEndian.Uint16(text[13:]),
		position: binary.BigEndian.Uint64(text[15:]), data: text[partHead:size],
	}
	return p, size, p.index < p.count
}

// findParts calls found for each whole part in text, wherever it begins.
func findParts(text []byte, found func(p part, raw []byte)) {
	for {
		at := bytes.Index(text, []byte(partMagic))
		if at < 0 {
			return
		}
		text = text[at:]
		p, size, ok := parsePart(text)
		if !ok {
			text = text[1:]
			continue
		}
		found(p, text[:size])
		text = text[size:]
	}
}
