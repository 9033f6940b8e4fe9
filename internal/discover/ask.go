package discover

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	maxAtOnce = 16 // cameras that are asked side by side
	patience  = 6  // for one camera altogether, in timeouts
)

// Ask asks each device what it is and where its video is, and blocks until all have answered or their time is up. It logs in where it must. The
// cameras come in the order of the devices.
func Ask(ctx context.Context, o Options, devices []Device, login Login) []Camera {
	cameras := make([]Camera, len(devices))
	var group errgroup.Group
	group.SetLimit(maxAtOnce)
	for i, d := range devices {
		group.Go(func() error {
			limit := patience * o.Timeout
			ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %v", limit))
			defer cancel()
			cameras[i] = ask(ctx, o, d, login)
			return nil
		})
	}
	_ = group.Wait()
	return cameras
}

// ask finds a door that opens and asks there.
func ask(ctx context.Context, o Options, d Device, login Login) Camera {
	c := Camera{Device: d, At: d.Senders[0], Trouble: errors.New("it gave no address (http://…) at which it can be asked")}
	clean := newCleaner(login)
	for _, door := range d.doors() {
		v := &visit{talk: newTalk(login, clean, o.Timeout), door: door}
		defer v.talk.end()
		c.At = door.host
		c.Trouble = v.enter(ctx)
		if c.Trouble == nil || errors.Is(c.Trouble, ErrLoginWanted) || errors.Is(c.Trouble, ErrLoginRefused) {
			v.ask(ctx, &c)
			break
		}
		if door.said != "" {
			c.Trouble = fmt.Errorf("%w; its answer named another host (%s), which was not asked", c.Trouble, door.said)
		}
	}
	return c
}

// A visit is all that is asked at one door.
type visit struct {
	talk  *talk
	door  door
	media map[string]*url.URL // services for video, by namespace
}

// enter finds out whether there is a camera behind the door, and what time it has. Each may ask that without a login (ONVIF Core, 5.9.4.4).
func (v *visit) enter(ctx context.Context) error {
	var answer struct {
		Year   string `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime>Date>Year"`
		Month  string `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime>Date>Month"`
		Day    string `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime>Date>Day"`
		Hour   string `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime>Time>Hour"`
		Minute string `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime>Time>Minute"`
		Second string `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime>Time>Second"`
	}
	err := v.talk.ask(ctx, v.door.url, operation{space: deviceSpace, name: "GetSystemDateAndTime"}, &answer)
	if _, refused := errors.AsType[*fault](err); refused { // it speaks; its time then is ours
		return nil
	}
	if err != nil {
		return err
	}
	if answer.Year != "" {
		theirs := time.Date(number(answer.Year), time.Month(number(answer.Month)), number(answer.Day),
			number(answer.Hour), number(answer.Minute), number(answer.Second), 0, time.UTC)
		v.talk.skew = time.Until(theirs)
	}
	return nil
}

// number reads what a stranger wrote as a small number that is not negative; 0 for anything else.
func number(text string) int {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// ask fills in all that the camera tells. What stands in the way of its videos is its Trouble; that it does not say what it is called is none.
func (v *visit) ask(ctx context.Context, c *Camera) {
	c.Trouble = v.findServices(ctx)
	if c.Trouble == nil {
		c.Videos, c.Trouble = v.videos(ctx)
	}
	c.LoggedIn = v.talk.accepted
	var answer struct {
		Manufacturer string `xml:"Body>GetDeviceInformationResponse>Manufacturer"`
		Model        string `xml:"Body>GetDeviceInformationResponse>Model"`
		Firmware     string `xml:"Body>GetDeviceInformationResponse>FirmwareVersion"`
		Serial       string `xml:"Body>GetDeviceInformationResponse>SerialNumber"`
	}
	if v.talk.ask(ctx, v.door.url, operation{space: deviceSpace, name: "GetDeviceInformation"}, &answer) != nil {
		return
	}
	line := v.talk.clean.line
	c.Manufacturer, c.Model, c.Firmware, c.Serial = line(answer.Manufacturer), line(answer.Model), line(answer.Firmware), line(answer.Serial)
}

// findServices learns where to ask for video: from the list that newer devices have, or from the one that all have.
func (v *visit) findServices(ctx context.Context) error {
	v.media = map[string]*url.URL{}
	var newer struct {
		Services []struct {
			Namespace string `xml:"Namespace"`
			XAddr     string `xml:"XAddr"`
		} `xml:"Body>GetServicesResponse>Service"`
	}
	o := operation{deviceSpace, "GetServices", "<IncludeCapability>false</IncludeCapability>"}
	err := v.talk.ask(ctx, v.door.url, o, &newer)
	for _, s := range newer.Services {
		v.addService(strings.TrimSpace(s.Namespace), s.XAddr)
	}
	if len(v.media) > 0 || errors.Is(err, ErrLoginWanted) || v.talk.lost != nil {
		return err
	}
	var older struct {
		Media string `xml:"Body>GetCapabilitiesResponse>Capabilities>Media>XAddr"`
	}
	err = v.talk.ask(ctx, v.door.url, operation{deviceSpace, "GetCapabilities", "<Category>All</Category>"}, &older)
	v.addService(mediaSpace, older.Media)
	if err == nil && len(v.media) == 0 {
		err = errors.New("it is no camera: it has no service for video")
	}
	return err
}

func (v *visit) addService(space, address string) {
	if at := v.door.inside(address); at != nil && (space == mediaSpace || space == media2Space) && v.media[space] == nil {
		v.media[space] = at
	}
}
