package bytestream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const (
	patPID      = 0
	nullPID     = 0x1fff
	patTable    = 0
	pmtTable    = 2
	maxSection  = 1024 // bytes of a table, with its first three
	maxPrograms = 32   // that are looked at
)

// A section puts a table together out of packets (ISO/IEC 13818-1 section 2.4.4).
type section struct {
	data []byte
	open bool
}

// write takes what a packet carries and calls take for each table that is whole and undamaged.
func (s *section) write(body []byte, starts bool, take func([]byte) error) error {
	if starts {
		if len(body) == 0 || 1+int(body[0]) > len(body) {
			s.open = false
			return nil
		}
		tail, rest := body[1:1+body[0]], body[1+body[0]:]
		if err := s.add(tail, take); err != nil {
			return err
		}
		s.open, s.data = true, s.data[:0]
		body = rest
	}
	return s.add(body, take)
}

func (s *section) add(body []byte, take func([]byte) error) error {
	if !s.open {
		return nil
	}
	s.data = append(s.data, body...)
	for s.open && len(s.data) >= 3 {
		length := 3 + (int(s.data[1]&0xf)<<8 | int(s.data[2]))
		if s.data[0] == 0xff || length > maxSection { // padding, or nonsense
			s.open = false
			return nil
		}
		if len(s.data) < length {
			return nil
		}
		if table := s.data[:length]; crc32MPEG(table) == 0 {
			if err := take(table); err != nil {
				return err
			}
		}
		s.data = s.data[:copy(s.data, s.data[length:])]
	}
	return nil
}

// errTable: it makes no sense, or is not for us.
var errTable = errors.New("no table")

// tableHead and tableTail are the sizes of what stands around the entries of a table.
const (
	tableHead = 8
	tableTail = 4 // the checksum
)

// parsePAT returns the PIDs of the tables of the programs (section 2.4.4.3).
func parsePAT(t []byte) (programs map[int]bool, err error) {
	if len(t) < tableHead+tableTail || t[0] != patTable || t[5]&1 == 0 {
		return nil, errTable
	}
	programs = map[int]bool{}
	for e := t[tableHead : len(t)-tableTail]; len(e) >= 4; e = e[4:] {
		pid := int(binary.BigEndian.Uint16(e[2:]) & 0x1fff)
		if number := binary.BigEndian.Uint16(e); number != 0 && pid != patPID && pid != nullPID {
			programs[pid] = true
		}
	}
	return programs, nil
}

// A stream is one of those that make up a program.
type stream struct {
	pid   int
	codec camera.Codec // "" of what we do not take
	name  string
}

// parsePMT returns the streams of a program (section 2.4.4.8).
func parsePMT(t []byte) ([]stream, error) {
	const head = 12
	if len(t) < head+tableTail || t[0] != pmtTable || t[5]&1 == 0 {
		return nil, errTable
	}
	e := t[head : len(t)-tableTail]
	skip := int(binary.BigEndian.Uint16(t[10:]) & 0xfff)
	if skip > len(e) {
		return nil, errTable
	}
	var all []stream
	for e = e[skip:]; len(e) >= 5; {
		length := int(binary.BigEndian.Uint16(e[3:]) & 0xfff)
		if 5+length > len(e) {
			return nil, errTable
		}
		s := stream{pid: int(binary.BigEndian.Uint16(e[1:]) & 0x1fff)}
		s.codec, s.name = typeOf(e[0], e[5:5+length])
		all = append(all, s)
		e = e[5+length:]
	}
	return all, nil
}

// typeOf reads a stream_type (table 2-34). What stands in private streams is told by its descriptor.
func typeOf(kind byte, descriptors []byte) (codec camera.Codec, name string) {
	switch kind {
	case 0x1b:
		return camera.H264, string(camera.H264)
	case 0x24:
		return camera.H265, string(camera.H265)
	case 0x01, 0x02:
		return "", "MPEG-2 video"
	case 0x10:
		return "", "MPEG-4 part 2 video"
	case 0x33:
		return "", "H.266"
	case 0x03, 0x04, 0x0f, 0x11, 0x81, 0x87:
		return "", "sound"
	case 0x06:
		if strings.Contains(string(descriptors), "HEVC") {
			return camera.H265, string(camera.H265)
		}
		if strings.Contains(string(descriptors), "AV01") {
			return "", "AV1"
		}
	}
	return "", fmt.Sprintf("a stream of type %#02x", kind)
}

func joined(names []string) string { return strings.Join(names, ", ") }
