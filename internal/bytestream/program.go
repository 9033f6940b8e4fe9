package bytestream

import "fmt"

// follow begins with the video of a program.
func (d *Demuxer) follow(s stream) error {
	switch {
	case d.codec == "":
		d.codec, d.video = s.codec, s.pid
		d.split = NewSplitter(s.codec, d.picture)
	case s.codec != d.codec:
		return &UnusableError{fmt.Sprintf("%s now, and held %s before", s.codec, d.codec)}
	case s.pid != d.video:
		d.video, d.counter = s.pid, -1
		d.interrupt(1)
	}
	return nil
}

// table takes a table that came under a PID.
func (d *Demuxer) table(pid int, t []byte) error {
	if pid == patPID {
		if programs, err := parsePAT(t); err == nil { // else the next one comes soon
			d.listen(programs)
		}
		return nil
	}
	if d.codec != "" && pid != d.program && d.tables[d.program] != nil {
		return nil // that of another program
	}
	streams, err := parsePMT(t)
	if err != nil {
		return nil
	}
	d.program = pid
	return d.choose(streams)
}

// listen makes the tables of these programs those that are read.
func (d *Demuxer) listen(programs map[int]bool) {
	for pid := range d.tables {
		if pid != patPID && !programs[pid] {
			delete(d.tables, pid)
		}
	}
	for pid := range programs {
		if d.tables[pid] == nil && len(d.tables) < maxPrograms {
			d.tables[pid] = &section{}
		}
	}
}

// choose takes the first video of a program. A program without any is only an answer where there is no other.
func (d *Demuxer) choose(streams []stream) error {
	var others []string
	for _, s := range streams {
		if s.pid == d.video && s.codec == d.codec {
			return nil
		}
		others = append(others, s.name)
	}
	for _, s := range streams {
		if s.codec != "" {
			return d.follow(s)
		}
	}
	if len(d.tables) > 2 || d.codec != "" {
		return nil
	}
	if len(others) == 0 {
		return &UnusableError{"nothing"}
	}
	return &UnusableError{"no H.264 or H.265, but " + joined(others)}
}
