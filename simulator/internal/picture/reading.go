// Package picture is what the test camera draws into its pictures and what the simulated model reads out of them.
package picture

// A Reading is everything the simulated model can see in one decoded picture.
type Reading struct {
	Counter       int     // the burned-in frame counter; -1 where none could be read
	Camera        int     // the burned-in camera number, 0-15; -1 where none could be read
	Brightness    float64 // mean luma outside the strip, 0-255
	Color         string  // dominant colour outside the strip: black, white, grey, red, orange, yellow, green, cyan, blue or magenta
	Motion        float64 // mean absolute luma difference to the picture before, 0-255
	Width, Height int     // size of the picture as it was coded
}
