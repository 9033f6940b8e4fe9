package picture

// colors are the names that dominantColor can give, with the three greys first.
var colors = [...]string{"black", "grey", "white", "red", "orange", "yellow", "green", "cyan", "blue", "magenta"}

const (
	black = iota
	grey
	white
	red
	orange
	yellow
	green
	cyan
	blue
	magenta
)

// dominantColor returns the colour that most of the samples outside the strip have.
func dominantColor(planes []byte, width, height int) string {
	luma, chroma := planes[:width*height], planes[width*height:]
	chromaWidth, chromaHeight := width/2, height/2
	cb, cr := chroma[:chromaWidth*chromaHeight], chroma[chromaWidth*chromaHeight:]
	var votes [len(colors)]int
	for y := stripHeight(height)/2 + 1; y < chromaHeight; y += step {
		for x := 0; x < chromaWidth; x += step {
			at := y*chromaWidth + x
			votes[classify(int(luma[2*y*width+2*x]), int(cb[at]), int(cr[at]))]++
		}
	}
	best := 0
	for color, count := range votes {
		if count > votes[best] {
			best = color
		}
	}
	return colors[best]
}

// classify names one video-range BT.601 sample.
func classify(y, cb, cr int) int {
	c, d, e := 298*(y-16), cb-128, cr-128
	r := clamp((c + 409*e) >> 8)
	g := clamp((c - 100*d - 208*e) >> 8)
	b := clamp((c + 516*d) >> 8)
	bright, dark := max(r, g, b), min(r, g, b)
	spread := bright - dark
	switch {
	case bright < 40:
		return black
	case spread*5 < bright: // saturation under 20 %
		if dark > 200 {
			return white
		}
		return grey
	}
	return hueColor(hue(r, g, b, bright, spread))
}

// hue returns the angle of the colour in degrees, 0-359; spread must not be 0.
func hue(r, g, b, bright, spread int) int {
	switch bright {
	case r:
		return (60*(g-b)/spread + 360) % 360
	case g:
		return 60*(b-r)/spread + 120
	default:
		return 60*(r-g)/spread + 240
	}
}

func hueColor(degrees int) int {
	switch {
	case degrees < 16 || degrees >= 335:
		return red
	case degrees < 45:
		return orange
	case degrees < 70:
		return yellow
	case degrees < 160:
		return green
	case degrees < 200:
		return cyan
	case degrees < 265:
		return blue
	default:
		return magenta
	}
}

func clamp(v int) int { return max(0, min(255, v)) }
