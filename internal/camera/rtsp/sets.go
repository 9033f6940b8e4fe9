package rtsp

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// sets returns the parameter sets that come with a description as the camera sent it, in the order decoders want them. They are read here and
// not taken from the client, which keeps none that it thinks wrong, or of a format that it does not know.
func (o offer) sets(sdp string) [][]byte {
	all := mediaOf(sdp)
	own := slices.IndexFunc(all, func(m *medium) bool { return slices.Contains(m.attributes, "a=control:"+o.media.Control) })
	if own >= 0 {
		all = all[own:] // several may have the same payload type
	}
	wanted := strconv.Itoa(int(o.format.PayloadType()))
	for _, m := range all {
		if len(m.types) == 0 || slices.Contains(m.types, wanted) {
			return m.sets(wanted)
		}
	}
	return nil
}

// sets returns those of one payload type.
func (m *medium) sets(wanted string) (all [][]byte) {
	for _, line := range m.parameters {
		number, list, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "a=fmtp:")), " ")
		if number == wanted || len(m.types) < 2 { // some write another number
			all = append(all, setsOf(list)...)
		}
	}
	return all
}

// setsOf reads the parameters of one format (RFC 6184 section 8.1, RFC 7798 section 7.1). What is no base64 is left out.
func setsOf(parameters string) [][]byte {
	values := map[string]string{}
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		values[strings.ToLower(name)] = value
	}
	var all [][]byte
	for _, name := range []string{"sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps"} {
		for text := range strings.SplitSeq(values[name], ",") {
			text = strings.TrimRight(strings.Trim(text, " \t\""), "=")
			if set, err := base64.RawStdEncoding.DecodeString(text); err == nil && len(set) > 0 {
				all = append(all, set)
			}
		}
	}
	return all
}
