package picture

// The strip is a band along the top of the picture: two rows of 32 square blocks (40 px at 720p). A one is a bright block
// above a dark one, a zero the reverse, so a bit is the difference of two blocks and neither overall brightness nor
// contrast matters. From left to right, most significant bit first: 4 bits sync, 4 bits camera, 16 bits counter, 8 bits CRC.
const (
	stripColumns = 32 // the strip spans the whole width
	stripRows    = 2
	rowShare     = 18 // a row of blocks is 1/18 of the height: square blocks at 16:9

	syncPattern = 0b1010
)

// CounterPeriod is where the burned-in counter starts again: picture n of a camera carries n mod CounterPeriod. The
// background and the moving shape repeat with the same period, so a clip of a multiple of it loops without a seam.
const CounterPeriod = 600

// MaxCamera is the greatest camera number that can be burned in.
const MaxCamera = 15

const (
	inkBright = 224
	inkDark   = 32
	// minContrast is the least difference of luma between the two blocks of a bit. Below it there is no strip to read.
	minContrast = 48
)

// stripHeight returns the height in pixels of the strip of a picture.
func stripHeight(height int) int { return stripRows * height / rowShare }

// blockEdges returns the range of columns that the block in the given column of the strip covers.
func blockEdges(column, width int) (from, to int) {
	return column * width / stripColumns, (column + 1) * width / stripColumns
}

// rowEdges returns the range of lines that a row of blocks covers.
func rowEdges(row, height int) (from, to int) {
	return row * height / rowShare, (row + 1) * height / rowShare
}

// encodeStrip returns the 32 bits of the strip.
func encodeStrip(counter, camera int) uint32 {
	head := uint32(syncPattern)<<20 | uint32(camera&0xF)<<16 | uint32(counter&0xFFFF)
	return head<<8 | uint32(crc8(head))
}

// decodeStrip returns what the bits say; ok is false where sync or check bits are wrong.
func decodeStrip(bits uint32) (counter, camera int, ok bool) {
	head := bits >> 8
	if head>>20 != syncPattern || crc8(head) != byte(bits) {
		return -1, -1, false
	}
	return int(head & 0xFFFF), int(head >> 16 & 0xF), true
}

// crc8 is the CRC with polynomial x^8+x^5+x^3+x^2+x+1 over 24 bits. Over words this short it sees every error of up to three bits.
func crc8(head uint32) byte {
	crc := byte(0xFF)
	for shift := 16; shift >= 0; shift -= 8 {
		crc ^= byte(head >> shift)
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x2F
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
