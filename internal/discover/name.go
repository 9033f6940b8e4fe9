package discover

import (
	"cmp"
	"strconv"
	"strings"
)

// maxName is how long a made name gets. The configuration permits 63 characters; names stand in topics, labels and paths.
const maxName = 40

// A namer makes names for cameras that the configuration accepts, each only once.
type namer struct{ taken map[string]bool }

// newNamer returns a namer that does not give the one name that the configuration forbids.
func newNamer() *namer { return &namer{map[string]bool{"agent": true}} }

// name makes a name of the first text that has letters or digits in it.
func (n *namer) name(texts ...string) string {
	base := ""
	for _, text := range texts {
		base = cmp.Or(base, slug(text))
	}
	base = cmp.Or(base, "camera")
	name := base
	for i := 2; n.taken[name]; i++ {
		name = base + "-" + strconv.Itoa(i)
	}
	n.taken[name] = true
	return name
}

// slug writes a text in small letters, digits and hyphens.
func slug(text string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			out.WriteRune(r)
		} else if out.Len() > 0 && !strings.HasSuffix(out.String(), "-") {
			out.WriteByte('-')
		}
	}
	name := out.String()
	return strings.Trim(name[:min(len(name), maxName)], "-")
}

// names are what a camera may be called, the best first: after its room, after what its owner has called it, after its model.
func (c Camera) names() []string {
	maker, _, _ := strings.Cut(c.Manufacturer, " ")
	model := ""
	if c.Model != "" {
		model = joined(" ", maker, c.Model)
	}
	own := c.Name
	for _, known := range []string{c.title(), model, c.Hardware} { // as most cameras are called that nobody has given a name
		if strings.Contains(strings.ToLower(known), strings.ToLower(own)) {
			own = ""
		}
	}
	return []string{c.Location, own, model, c.Name, c.Hardware, maker}
}

// variable is the environment variable for something of the camera of this name.
func variable(name, what string) string {
	text := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if text[0] <= '9' {
		text = "CAMERA_" + text
	}
	return text + "_" + what
}
