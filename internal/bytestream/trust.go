package bytestream

// A Hint is a sign that a picture may be whole, seen before the next one begins.
type Hint int

// The hints.
const (
	Paused    Hint = iota // the sender wrote nothing for some milliseconds
	PacketEnd             // the packet that carries it said how long it would be, and is (of MPEG-TS)
	hints
)

// How many pictures it takes until a hint counts for something.
const (
	earned    = 8   // of one sender
	suspicion = 300 // after it was found wrong
)

// trust tells whether a hint of a sender is believed. Who believed a wrong one has cut a picture in two, which spoils all up to the next key
// frame; who believes none gives every picture one picture late. So each is only believed after it was right for some pictures in a row:
// that finds out programs that keep the end of what they wrote in a buffer until they write more (rpicam-vid without --flush), and those
// that write in pieces.
type trust [hints]int

func (t *trust) believes(h Hint) bool { return t[h] >= earned }
func (t *trust) right(h Hint)         { t[h] = min(t[h]+1, earned) }
func (t *trust) wrong(h Hint)         { t[h] = earned - suspicion }
