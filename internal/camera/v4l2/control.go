package v4l2

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// control sets the controls of the settings. One that the camera does not take is noted: pictures without it are better than none.
func (s *Source) control(d *kernel.Device) {
	if len(s.config.Controls) == 0 {
		return
	}
	all, err := d.Controls()
	if err != nil {
		s.found.add(factRefused, err.Error())
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.config.Controls)) {
		if err := set(d, all, name, s.config.Controls[name]); err != nil {
			s.found.add(factRefused, fmt.Sprintf("%s: %v", name, err))
		}
	}
}

func set(d *kernel.Device, all []kernel.ControlInfo, name string, value int) error {
	i := slices.IndexFunc(all, func(c kernel.ControlInfo) bool { return controlName(c.Name) == name })
	if i < 0 {
		return fmt.Errorf("the camera has no such control; `v4l2-ctl --list-ctrls` lists what it has")
	}
	if c := all[i]; value < int(c.Min) || value > int(c.Max) {
		return fmt.Errorf("found %d; the camera takes %d to %d", value, c.Min, c.Max)
	}
	return d.SetControl(all[i].ID, int32(value))
}

// controlName is how tools write the name of a control: "White Balance, Auto" is white_balance_auto.
func controlName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "_")
}

// tune asks a camera that encodes for what a room needs: a key frame every two seconds, with all that is needed to begin there. Most
// cameras have none of these controls, and their own habits are what is shown then.
func tune(d *kernel.Device, fps float64) {
	const seconds, usual = 2, 15
	if fps == 0 {
		fps = usual
	}
	period := int32(max(1, math.Round(fps*seconds)))
	_ = d.SetControl(kernel.ControlH264Period, period)
	_ = d.SetControl(kernel.ControlGroupSize, period)
	_ = d.SetControl(kernel.ControlRepeatHeaders, 1)
}

// wakeEncoder asks a camera that encodes to begin with a key frame, if it can.
func wakeEncoder(d *kernel.Device) { _ = d.SetControl(kernel.ControlForceKeyFrame, 1) }
