package test

import (
	"fmt"
	"time"
)

// A scene is the picture: colour bars, below them a box that moves from side to side, and below that the time of day and a counter. Only what
// changes is drawn anew: the box, and the digits that are others than before.
type scene struct {
	nv12          []byte
	width, height int
	unit          int // pixels of a dot of the digits
	track         int // line where the box begins
	box           int // left side of the box, -1 before it is there
	clock, count  line
}

// A line is a row of characters.
type line struct {
	x, y int
	text []byte
}

// Luma of video (ITU-R BT.601).
const (
	black = 16
	white = 235
)

// bars are the colours of the bars at 75 %: Y, U and V of white, yellow, cyan, green, magenta, red and blue.
var bars = [7][3]byte{{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}}

const (
	clockWidth  = 12 // characters: 15:04:05.000
	countWidth  = 8
	lineHeight  = glyphHeight + 2 // in units
	boxSize     = 4
	trackHeight = boxSize + 2
)

func newScene(width, height int) *scene {
	unit := max(1, min(width*9/10/(clockWidth*glyphPitch), height*2/3/(2*lineHeight+trackHeight)))
	s := &scene{nv12: make([]byte, width*height*3/2), width: width, height: height, unit: unit, box: -1}
	s.track = height - (2*lineHeight+trackHeight)*unit
	s.track -= s.track % 2
	s.background()
	text := s.track + trackHeight*unit
	s.clock = line{x: (width - clockWidth*glyphPitch*unit) / 2, y: text, text: make([]byte, clockWidth)}
	s.count = line{x: (width - countWidth*glyphPitch*unit) / 2, y: text + lineHeight*unit, text: make([]byte, countWidth)}
	return s
}

// background draws what never changes.
func (s *scene) background() {
	luma, chroma := s.nv12[:s.width*s.height], s.nv12[s.width*s.height:]
	for y := range s.height {
		for x := range s.width {
			v := byte(black)
			if y < s.track {
				v = bars[x*len(bars)/s.width][0]
			}
			luma[y*s.width+x] = v
		}
	}
	for y := range s.height / 2 {
		for x := range s.width / 2 {
			u, v := byte(128), byte(128)
			if 2*y < s.track {
				bar := bars[2*x*len(bars)/s.width]
				u, v = bar[1], bar[2]
			}
			chroma[y*s.width+2*x], chroma[y*s.width+2*x+1] = u, v
		}
	}
}

// draw returns picture n, borrowed until the next is drawn.
func (s *scene) draw(n int64, now time.Time) []byte {
	s.moveBox(n)
	s.write(&s.clock, now.Format("15:04:05.000"))
	s.write(&s.count, fmt.Sprintf("%0*d", countWidth, n%100_000_000))
	return s.nv12
}

// steps is how many pictures the box takes from one side to the other.
const steps = 60

func (s *scene) moveBox(n int64) {
	size, y := boxSize*s.unit, s.track+s.unit
	if s.box >= 0 {
		s.fill(s.box, y, size, size, black)
	}
	at := int(n % (2 * steps))
	if at > steps {
		at = 2*steps - at
	}
	s.box = (s.width - size) * at / steps
	s.fill(s.box, y, size, size, white)
}

// write draws the characters of a line that are others than before.
func (s *scene) write(l *line, text string) {
	for i := range l.text {
		if l.text[i] == text[i] {
			continue
		}
		l.text[i] = text[i]
		for row, dots := range glyphs[text[i]] {
			for column := range glyphWidth {
				v := byte(black)
				if dots>>(glyphWidth-1-column)&1 != 0 {
					v = white
				}
				s.fill(l.x+(i*glyphPitch+column)*s.unit, l.y+row*s.unit, s.unit, s.unit, v)
			}
		}
	}
}

// fill makes a part of the picture one shade of grey.
func (s *scene) fill(x, y, width, height int, v byte) {
	for row := range height {
		start := (y+row)*s.width + x
		part := s.nv12[start : start+width]
		for i := range part {
			part[i] = v
		}
	}
}
