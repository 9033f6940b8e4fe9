package picture

// A Reader reads decoded pictures. It keeps the luma of the picture before to measure motion, so one Reader serves one
// camera and one goroutine. The zero Reader is ready for use. It allocates only when the size of the pictures changes.
type Reader struct {
	before        []byte // every step-th luma sample outside the strip of the picture before
	width, height int    // of the picture before
}

// step is the distance in luma samples, both ways, of those that are looked at outside the strip.
const step = 4

// Read returns what is to be seen in one picture. planes holds planar 4:2:0 video-range samples without row padding:
// width x height luma, then both quarter-size chroma planes (ffmpeg calls it yuv420p); it is only read, and not kept. Width and height are in
// pixels and even. A picture shorter than they say, or too small for a strip, gives no counter and no camera (-1).
func (r *Reader) Read(planes []byte, width, height int) Reading {
	reading := Reading{Counter: -1, Camera: -1, Color: "black", Width: width, Height: height}
	if width < stripColumns || height < 2*rowShare || len(planes) < width*height*3/2 {
		return reading
	}
	luma := planes[:width*height]
	if bits, ok := readStrip(luma, width, height); ok {
		reading.Counter, reading.Camera, _ = decodeStrip(bits)
	}
	reading.Brightness, reading.Motion = r.measure(luma, width, height)
	reading.Color = dominantColor(planes, width, height)
	return reading
}

// Forget makes the next picture the first one: its motion is 0.
func (r *Reader) Forget() { r.before = r.before[:0] }

// readStrip returns the bits of the strip; ok is false where a pair of blocks differs too little to be one.
func readStrip(luma []byte, width, height int) (bits uint32, ok bool) {
	for column := range stripColumns {
		upper := blockMean(luma, width, height, column, 0)
		lower := blockMean(luma, width, height, column, 1)
		switch {
		case upper-lower >= minContrast:
			bits = bits<<1 | 1
		case lower-upper >= minContrast:
			bits <<= 1
		default:
			return 0, false
		}
	}
	return bits, true
}

// blockMean returns the mean luma of the middle half of a block, where neither scaling nor coding mixes in a neighbour.
func blockMean(luma []byte, width, height, column, row int) int {
	left, right := blockEdges(column, width)
	top, bottom := rowEdges(row, height)
	marginX, marginY := (right-left)/4, (bottom-top)/4
	sum, count := 0, 0
	for y := top + marginY; y < bottom-marginY; y++ {
		for _, sample := range luma[y*width:][left+marginX : right-marginX] {
			sum += int(sample)
			count++
		}
	}
	return sum / count
}

// measure returns the mean luma outside the strip and its mean absolute difference to the picture before.
func (r *Reader) measure(luma []byte, width, height int) (brightness, motion float64) {
	top := stripHeight(height) + 1
	perLine := (width + step - 1) / step
	count := perLine * ((height - top + step - 1) / step)
	first := len(r.before) != count || r.width != width || r.height != height
	if cap(r.before) < count {
		r.before = make([]byte, count)
	}
	r.before, r.width, r.height = r.before[:count], width, height

	sum, change, i := 0, 0, 0
	for y := top; y < height; y += step {
		line := luma[y*width:][:width]
		for x := 0; x < width; x += step {
			sample := line[x]
			sum += int(sample)
			change += max(int(sample), int(r.before[i])) - min(int(sample), int(r.before[i]))
			r.before[i] = sample
			i++
		}
	}
	if first {
		change = 0
	}
	return float64(sum) / float64(count), float64(change) / float64(count)
}
