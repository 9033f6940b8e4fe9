package slot

// A table counts the places at the keys while plan fills them. First it is told who comes in, one by one in order of rank; then the
// newcomers are seated.
type table struct {
	columns []*column
	of      map[string]*column
	guests  int // newcomers admitted and not seated yet
}

// A column is one key of a table.
type column struct {
	offer
	holders int // before anybody moves
	kept    int // of these
	seated  int // newcomers
}

func newTable(cameras []candidate, offers []offer) *table {
	t := &table{of: map[string]*column{}}
	for _, o := range offers {
		c := &column{offer: o}
		t.columns, t.of[o.key] = append(t.columns, c), c
	}
	for _, c := range cameras {
		if c.key != "" && t.of[c.key] != nil {
			t.of[c.key].holders++
		}
	}
	return t
}

// room is how many newcomers the key has a place for once all who are not kept have left.
func (c *column) room() int {
	room := 0
	if !c.closed {
		room = max(0, c.slots-c.kept-c.seated)
	}
	if c.probe {
		room++
	}
	return room
}

// free is how many of those places are empty now.
func (c *column) free() int {
	if c.closed {
		return 0
	}
	return c.slots - c.holders - c.leaving - c.seated
}

// before tells which of two keys with an empty place is the better one.
func (c *column) before(other *column) bool {
	if c.shaky != other.shaky {
		return other.shaky
	}
	return c.free() > other.free()
}

// spare is how many more the whole table has a place for. Newcomers can sit anywhere, so only the sum matters.
func (t *table) spare() int {
	sum := -t.guests
	for _, c := range t.columns {
		sum += c.room()
	}
	return sum
}

// admit lets in a newcomer if there is a place.
func (t *table) admit() bool {
	if t.spare() <= 0 {
		return false
	}
	t.guests++
	return true
}

// full tells whether the key has no place for one more of its holders.
func (t *table) full(key string) bool { return t.of[key] == nil || t.of[key].kept >= t.of[key].slots }

// closed tells whether nobody new may come to the key.
func (t *table) closed(key string) bool { return t.of[key] != nil && t.of[key].closed }

// keep lets a holder stay on its key if there is a place that no newcomer before it needs.
func (t *table) keep(key string) bool {
	if t.full(key) || (!t.closed(key) && t.spare() <= 0) {
		return false
	}
	t.of[key].kept++
	return true
}

// seat finds a key with a place that is empty now: one that works rather than one whose newest create failed, and among these the emptiest,
// so that keys are used evenly; or one to probe. It reports false when the newcomer has to wait until a place was left.
func (t *table) seat() (key string, ok bool) {
	var best *column
	for _, c := range t.columns {
		if c.free() > 0 && (best == nil || c.before(best)) {
			best = c
		}
	}
	if best != nil {
		best.seated++
		t.guests--
		return best.key, true
	}
	for _, c := range t.columns {
		if c.probe {
			c.probe = false
			t.guests--
			return c.key, true
		}
	}
	return "", false
}
