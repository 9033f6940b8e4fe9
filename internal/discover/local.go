package discover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// A Webcam is a camera of this machine.
type Webcam struct {
	Card, Driver string   // what it is called, and by whom it is driven; one printable line each
	Path         string   // where it is now: /dev/videoN
	Device       string   // a name of it that stays, or Path where it has none
	Formats      []string // what it can send, a line for each format
}

// Webcams lists the cameras of this machine that the agent can use, and says in sentences what looks like one and is none.
func Webcams() (webcams []Webcam, troubles []string, err error) {
	nodes, err := v4l2.List()
	if err != nil {
		return nil, nil, err
	}
	owners := map[string]int{} // of links
	for _, n := range nodes {
		for _, link := range n.Links {
			owners[link]++
		}
	}
	for _, n := range nodes {
		if !n.Camera() {
			troubles = append(troubles, whyNot(n)...)
			continue
		}
		// Cameras of one model without serial numbers have the same name by-id, of which only one gets the link.
		n.Links = slices.DeleteFunc(n.Links, func(link string) bool { return owners[link] > 1 })
		webcam, err := look(n)
		if err != nil {
			troubles = append(troubles, fmt.Sprintf("%s could not be asked what it can send: %v", n.Path, err))
		}
		webcams = append(webcams, webcam)
	}
	return webcams, troubles, nil
}

// whyNot says why a node is no camera, where somebody might have taken it for one.
func whyNot(n v4l2.Node) []string {
	advice := n.Why.Advice()
	if advice == "" { // parts of cameras, encoders
		return nil
	}
	clean := newCleaner(Login{})
	what := fmt.Sprintf("%s (%s, driver %s) is left out", n.Path, clean.line(n.Info.Card), clean.line(n.Info.Driver))
	if n.Err != nil {
		return []string{fmt.Sprintf("%s: %v. %s", what, n.Err, advice)}
	}
	return []string{fmt.Sprintf("%s (%s). %s", what, n.Why, advice)}
}

// look asks a device what it can send.
func look(n v4l2.Node) (Webcam, error) {
	clean := newCleaner(Login{})
	w := Webcam{Card: clean.line(n.Info.Card), Driver: clean.line(n.Info.Driver), Path: n.Path, Device: n.Path}
	if len(n.Links) > 0 {
		w.Device = n.Links[0]
	}
	d, err := v4l2.Open(n.Path)
	if err != nil {
		return w, err
	}
	defer d.Close()
	formats, err := d.Formats(v4l2.Capture)
	for _, f := range formats {
		name := formatNames[f.FourCC]
		if name == "" || f.Emulated { // by a library, which we do not use
			continue
		}
		w.Formats = append(w.Formats, name+" "+sizesOf(d, f.FourCC))
	}
	return w, err
}

// formatNames are the formats that the agent can use, by the names that its setting `format` has for them.
var formatNames = map[v4l2.FourCC]string{
	v4l2.H264: "h264", v4l2.MJPEG: "mjpeg", v4l2.JPEG: "mjpeg", v4l2.YUYV: "yuyv", v4l2.NV12: "nv12", v4l2.I420: "i420",
}

// maxSizes is how many sizes of a format are listed.
const maxSizes = 8

// sizesOf lists the sizes in which a device offers a format, the largest first, each with how many pictures a second it makes then at most.
func sizesOf(d *v4l2.Device, f v4l2.FourCC) string {
	sizes, err := d.Sizes(f)
	if err != nil || len(sizes) == 0 {
		return "in sizes that it does not tell"
	}
	slices.SortFunc(sizes, func(one, other v4l2.SizeRange) int {
		return cmp.Compare(other.Max.Width*other.Max.Height, one.Max.Width*one.Max.Height)
	})
	var texts []string
	for _, s := range sizes[:min(len(sizes), maxSizes)] {
		intervals, _ := d.Intervals(f, s.Max) // where it does not say, the size is worth showing
		text := sizeText(s.Max)
		if s.Min != s.Max {
			text = sizeText(s.Min) + " to " + text
		}
		texts = append(texts, text+rateText(intervals))
	}
	if more := len(sizes) - maxSizes; more > 0 {
		texts = append(texts, fmt.Sprintf("%d smaller ones", more))
	}
	return strings.Join(texts, ", ")
}

func sizeText(s v4l2.Size) string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// rateText says how many pictures a second the fastest of the intervals makes.
func rateText(intervals []v4l2.IntervalRange) string {
	fastest := 0.0
	for _, i := range intervals {
		fastest = max(fastest, i.Min.Rate())
	}
	if fastest == 0 {
		return ""
	}
	return fmt.Sprintf("@%.3g", fastest)
}

// webcam writes a camera of this machine.
func (w *writer) webcam(c Webcam) {
	card, _, _ := strings.Cut(c.Card, ":") // UVC cameras say it twice
	w.item(w.names.name(card, c.Driver))
	w.comment("%s, driver %s, now %s", c.Card, c.Driver, c.Path)
	for _, format := range c.Formats {
		w.setting("# %s", format) // made of numbers
	}
	w.setting("source:")
	w.setting("  type: v4l2")
	w.setting("  device: %s", scalar(strings.ReplaceAll(c.Device, "${", "$${")))
}
