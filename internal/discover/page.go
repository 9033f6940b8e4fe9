package discover

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// A Page is what was found, to be printed.
type Page struct {
	Webcams []Webcam
	Cameras []Camera
	// Login is the one that was given to cameras, or nobody's.
	Login Login
	// Password is where the agent is to take the password of Login from; its text is not on the page.
	Password PasswordPlace
}

// A PasswordPlace is where a password is kept: in a file or in an environment variable.
type PasswordPlace struct{ File, Variable string }

// setting is the line of YAML that says so.
func (p PasswordPlace) setting() string {
	if p.File != "" {
		return "password_file: " + scalar(strings.ReplaceAll(p.File, "${", "$${"))
	}
	return "password: ${" + p.Variable + "}"
}

// YAML returns the items of the list below `cameras:`, with comments of what is known. Cameras whose video could not be learned are comments
// only. It holds no password, and no text of a stranger that could be more than a comment or an address.
func (p Page) YAML() string {
	w := &writer{page: p, clean: newCleaner(p.Login), names: newNamer()}
	for _, webcam := range p.Webcams {
		w.webcam(webcam)
	}
	for _, c := range p.Cameras {
		if c.Trouble != nil {
			w.unknown(c)
			continue
		}
		for i := range c.Videos {
			w.video(c, i)
		}
	}
	return w.text.String()
}

// A writer writes a page.
type writer struct {
	page  Page
	clean *cleaner
	names *namer
	text  strings.Builder
}

// scalar writes a text as YAML on one line, with quotes where it needs some.
func scalar(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToASCII(text) // the escapes of Go are among those of YAML
	}
	out, err := yaml.Marshal(text)
	if err != nil {
		panic(err) // every text can be written
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (w *writer) item(name string) { fmt.Fprintf(&w.text, "  - name: %s\n", scalar(name)) }

func (w *writer) setting(format string, args ...any) {
	fmt.Fprintf(&w.text, "    "+format+"\n", args...)
}

// comment writes a line of a comment. Whatever is in it, it stays one.
func (w *writer) comment(format string, args ...any) {
	w.setting("# %s", w.clean.sentence(fmt.Sprintf(format, args...)))
}

// about says what a camera is and where.
func (c Camera) about() string {
	said := c.title()
	for _, more := range []struct{ what, text string }{
		{"firmware", c.Firmware}, {"serial number", c.Serial}, {"called", c.Name}, {"location", c.Location},
	} {
		if !strings.Contains(said, more.text) {
			said += ", " + more.what + " " + more.text
		}
	}
	return said + ", at " + c.At.String()
}

// unknown writes a camera that could not be asked for its video.
func (w *writer) unknown(c Camera) {
	for i, line := range []string{c.about(), "not usable yet: " + c.Trouble.Error(), c.Advice()} {
		if line != "" {
			fmt.Fprintf(&w.text, "  # %s%s\n", strings.Repeat(" ", 2*min(i, 1)), w.clean.sentence(line))
		}
	}
}

// Advice says what a person could do about the camera's trouble; "" where nothing is known.
func (c Camera) Advice() string {
	switch {
	case errors.Is(c.Trouble, ErrLoginWanted):
		return "run discover again with --username NAME; the password is asked for, or comes from --password-file"
	case errors.Is(c.Trouble, errBasic):
		return "allow digest authentication in the settings of the camera"
	case errors.Is(c.Trouble, ErrLoginRefused):
		return "check them; many cameras have users of their own for ONVIF, in its settings there"
	}
	return ""
}

// video writes one lens of a camera.
func (w *writer) video(c Camera, index int) {
	streams := c.Videos[index].Streams
	best := streams[0]
	name := w.names.name(c.names()...)
	w.item(name)
	w.comment("%s", c.about())
	if len(c.Videos) > 1 {
		w.comment("video %d of %d", index+1, len(c.Videos))
	}
	w.stream("", best)
	if !best.usable() {
		w.comment("the agent cannot use this codec: set the camera to H.264")
	}
	held := variable(name, "STREAM_PASSWORD")
	address, hasPassword := withoutPasswords(best.URL, w.page.Login, held)
	if hasPassword {
		w.comment("the camera's address holds a password, which is not shown: set %s to it", held)
	}
	w.setting("source: %s", scalar(address))
	if w.page.Login.given() {
		w.setting("username: %s", scalar(strings.ReplaceAll(w.page.Login.Username, "${", "$${")))
		w.setting("%s", w.page.Password.setting())
	}
	for _, other := range streams[1:] {
		shown, _ := withoutPasswords(other.URL, w.page.Login, held)
		w.stream("or "+shown+": ", other)
	}
}

// stream says what a stream is, behind a text that must be fit to be shown.
func (w *writer) stream(before string, s Stream) {
	said := s.Codec
	if said == "" {
		said = "codec unknown (`overshoot-agent probe` tells it)"
	}
	if s.Width > 0 && s.Height > 0 {
		said += fmt.Sprintf(" %dx%d", s.Width, s.Height)
	}
	if s.Rate > 0 {
		said += fmt.Sprintf(", up to %d pictures a second", s.Rate)
	}
	if s.Codec == "H.265" || s.Codec == "MJPEG" {
		said += "; the agent encodes it anew"
	}
	if s.Profile != "" {
		said += "; profile " + s.Profile
	}
	if s.Said != "" {
		said += "; the camera calls its host " + s.Said
	}
	w.setting("# %s%s", before, w.clean.sentence(said))
}
