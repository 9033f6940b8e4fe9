package bytestream

// crc32MPEG is the checksum of the tables of MPEG-TS (ISO/IEC 13818-1 annex A): 0 over a table with its checksum. Tables are short and rare.
func crc32MPEG(table []byte) uint32 {
	crc := ^uint32(0)
	for _, b := range table {
		crc ^= uint32(b) << 24
		for range 8 {
			if crc&(1<<31) != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
