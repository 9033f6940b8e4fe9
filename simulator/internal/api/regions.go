package api

import (
	"net/http"
	"slices"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

const regionHeader = "X-Overshoot-Region"

var regions = []string{"us-central1", "us-west1"}

// served says on the answer which region served the call.
func (c *call) served(region string) {
	if c.Switches.On(switches.RegionHeader) {
		c.w.Header().Set(regionHeader, region)
	}
}

// newRegion returns where a new stream goes; ok is false, and the call answered, where no such region is.
func (c *call) newRegion() (region string, ok bool) {
	home, asked := c.Switches.Text(switches.HomeRegion), c.r.Header.Get(regionHeader)
	switch {
	case asked == "":
		return home, true
	case slices.Contains(regions, asked):
		return asked, true
	default:
		c.reply(http.StatusConflict, wrongRegion(home, asked))
		return "", false
	}
}

// reaches tells whether the call is for this region; where not it is answered with 409.
func (c *call) reaches(region string) bool {
	asked := c.r.Header.Get(regionHeader)
	rule := c.Switches.Text(switches.WrongRegion)
	switch {
	case asked == region || rule == "proxy":
	case asked == "" && (c.Switches.Is(switches.MissingRegion, "proxy") || region == c.Switches.Text(switches.HomeRegion)):
	case c.op == calllog.OpChat && rule == "e2-for-chat":
		c.failChat(http.StatusConflict, chatErrorBody{Message: "the stream is in region " + region, Type: typeStream, Code: "region_error"})
		return false
	default:
		c.reply(http.StatusConflict, wrongRegion(region, asked))
		return false
	}
	c.served(region)
	return true
}

// otherRegion is one that the call did not ask for.
func (c *call) otherRegion() string {
	if c.r.Header.Get(regionHeader) == regions[0] {
		return regions[1]
	}
	return regions[0]
}
