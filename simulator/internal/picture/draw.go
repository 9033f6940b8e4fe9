package picture

import (
	"image"
	"math"
)

// Draw fills dst with picture number counter of a camera: the strip, a coloured background that goes round the hues and
// up and down in brightness once per CounterPeriod, grain, and a white square on a closed path. dst must be 4:2:0 and at
// least 64 pixels wide and 36 high; every sample of it is overwritten. Equal arguments give equal pictures.
func Draw(dst *image.YCbCr, counter, camera int) {
	phase := 2 * math.Pi * float64(counter%CounterPeriod) / CounterPeriod
	drawBackground(dst, counter, camera, phase)
	drawColor(dst, camera, phase)
	drawSquare(dst, phase)
	drawStrip(dst, encodeStrip(counter, camera))
}

// drawBackground writes the luma: a diagonal ramp with grain. The grain is what makes the pictures cost bits, as the
// noise of a real lens does.
func drawBackground(dst *image.YCbCr, counter, camera int, phase float64) {
	width, height := dst.Rect.Dx(), dst.Rect.Dy()
	level := 110 + 35*math.Sin(phase+float64(camera))
	state := uint64(counter+1)*0x9E3779B97F4A7C15 ^ uint64(camera+1)<<32
	for y := range height {
		line := dst.Y[y*dst.YStride:][:width]
		start := int(level) - 8 + 30*y/height
		for x := 0; x < width; x += 8 {
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			base, grain := start+20*x/width, state
			for i := range line[x:min(x+8, width)] {
				line[x+i] = byte(base + int(grain&0xF) - 8)
				grain >>= 8
			}
		}
	}
}

// drawColor writes the chroma: one hue all over, eight cameras evenly spread over the circle.
func drawColor(dst *image.YCbCr, camera int, phase float64) {
	hue := phase + float64(camera)*math.Pi/4
	cb, cr := byte(128+60*math.Cos(hue)), byte(128+60*math.Sin(hue))
	width, height := (dst.Rect.Dx()+1)/2, (dst.Rect.Dy()+1)/2
	for y := range height {
		fill(dst.Cb[y*dst.CStride:][:width], cb)
		fill(dst.Cr[y*dst.CStride:][:width], cr)
	}
}

// drawSquare writes a white square on a Lissajous path below the strip; it goes round 5 and 4 times per period.
func drawSquare(dst *image.YCbCr, phase float64) {
	width, height := dst.Rect.Dx(), dst.Rect.Dy()
	top, side := stripHeight(height), height/6
	x := int(float64(width-side) * (1 + math.Cos(5*phase)) / 2)
	y := top + int(float64(height-top-side)*(1+math.Sin(4*phase))/2)
	fillRect(dst, x, y, x+side, y+side, 230)
}

// drawStrip writes the blocks, without colour so that no decoder's chroma handling matters.
func drawStrip(dst *image.YCbCr, bits uint32) {
	width, height := dst.Rect.Dx(), dst.Rect.Dy()
	for column := range stripColumns {
		inks := [stripRows]byte{inkDark, inkBright}
		if bits>>(stripColumns-1-column)&1 == 1 {
			inks = [stripRows]byte{inkBright, inkDark}
		}
		left, right := blockEdges(column, width)
		for row, ink := range inks {
			top, bottom := rowEdges(row, height)
			fillRect(dst, left, top, right, bottom, ink)
		}
	}
}

// fillRect writes one grey over a rectangle that lies inside dst.
func fillRect(dst *image.YCbCr, left, top, right, bottom int, luma byte) {
	for y := top; y < bottom; y++ {
		fill(dst.Y[y*dst.YStride:][left:right], luma)
	}
	for y := top / 2; y < (bottom+1)/2; y++ {
		fill(dst.Cb[y*dst.CStride:][left/2:(right+1)/2], 128)
		fill(dst.Cr[y*dst.CStride:][left/2:(right+1)/2], 128)
	}
}

func fill(line []byte, value byte) {
	for i := range line {
		line[i] = value
	}
}
