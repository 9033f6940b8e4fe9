package openh264

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"slices"
)

// Markers of JPEG (ITU-T T.81 table B.1).
const (
	huffmanTables = 0xc4
	startOfScan   = 0xda
)

// complete returns a JPEG with Huffman tables. Many USB cameras leave them out: USB video says that they are then the usual ones. ffmpeg knows that,
// Go does not.
func complete(file, tables []byte) []byte {
	scan := -1
	for marker, at := range segments(file) {
		if marker == huffmanTables {
			return file
		}
		if marker == startOfScan {
			scan = at
		}
	}
	if scan < 0 {
		return file
	}
	return slices.Concat(file[:scan], tables, file[scan:])
}

// segments goes through the segments before the picture proper: their markers, and where they begin.
func segments(file []byte) func(yield func(marker byte, at int) bool) {
	return func(yield func(byte, int) bool) {
		for at := 2; at+4 <= len(file) && file[at] == 0xff; {
			marker := file[at+1]
			if marker == 0xff { // padding
				at++
				continue
			}
			if !yield(marker, at) || marker == startOfScan {
				return
			}
			at += 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		}
	}
}

// standardTables returns the segments of the usual Huffman tables (ITU-T T.81 annex K.3): those that Go's own encoder writes.
func standardTables() (tables []byte) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420), nil); err != nil {
		panic(err) // writing to memory does not fail
	}
	for marker, at := range segments(file.Bytes()) {
		if marker == huffmanTables {
			length := 2 + int(binary.BigEndian.Uint16(file.Bytes()[at+2:]))
			tables = append(tables, file.Bytes()[at:at+length]...)
		}
	}
	return tables
}
