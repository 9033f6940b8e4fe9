package rtsp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
)

// Descriptions that cameras send, by what is wrong with them. All of them have a video that works; sets tells whether its parameter sets too.
var brokenSDPs = map[string]struct {
	sdp  string
	sets bool
}{
	"nothing but the video":      {goodVideo, true},
	"no version":                 {strings.Replace(goodSDP, "v=0\r\n", "", 1), true},
	"another version":            {strings.Replace(goodSDP, "v=0", "v=1", 1), true},
	"no name":                    {strings.Replace(goodSDP, "s=live\r\n", "", 1), true},
	"an empty name":              {strings.Replace(goodSDP, "s=live", "s=", 1), true},
	"two names":                  {strings.Replace(goodSDP, "s=live", "s=live\r\ns=camera", 1), true},
	"a name in the video":        {strings.Replace(goodSDP, "a=rtpmap", "s=live\r\na=rtpmap", 1), true},
	"no time":                    {strings.Replace(goodSDP, "t=0 0\r\n", "", 1), true},
	"a time of words":            {strings.Replace(goodSDP, "t=0 0", "t=now until then", 1), true},
	"a negative time":            {strings.Replace(goodSDP, "t=0 0", "t=0 -1", 1), true},
	"a time in the video":        {strings.Replace(goodSDP, "a=rtpmap", "t=0 0\r\na=rtpmap", 1), true},
	"half a connection":          {strings.Replace(goodSDP, "c=IN IP4 0.0.0.0", "c=IN ", 1), true},
	"a connection of its own":    {strings.Replace(goodSDP, "c=IN IP4 0.0.0.0", "c=FOO BAR baz", 1), true},
	"half a connection of video": {strings.Replace(goodSDP, "a=rtpmap", "c=IN IP9\r\na=rtpmap", 1), true},
	"an origin with decimals":    {strings.Replace(goodSDP, "o=- 0 0 IN", "o=- 17.5 17.5 IN", 1), true},
	"an origin with spaces":      {strings.Replace(goodSDP, "o=- 0 0 IN IP4", "o=my front door 0  0  IN  IP4", 1), true},
	"an origin of nothing":       {strings.Replace(goodSDP, "o=- 0 0 IN IP4 127.0.0.1", "o=", 1), true},
	"a bandwidth of words":       {strings.Replace(goodSDP, "a=rtpmap", "b=AS:high\r\na=rtpmap", 1), true},
	"a bandwidth of its own":     {strings.Replace(goodSDP, "t=0 0", "b=XX:5\r\nt=0 0", 1), true},
	"a line of its own":          {strings.Replace(goodSDP, "t=0 0", "t=0 0\r\nx=1", 1), true},
	"a line that is none":        {strings.Replace(goodSDP, "t=0 0", "t=0 0\r\nhello", 1), true},
	"a line that is none, late":  {strings.Replace(goodSDP, "a=rtpmap", "hello\r\na=rtpmap", 1), true},
	"spaces before lines":        {strings.ReplaceAll(goodSDP, "\r\n", "\r\n "), true},
	"a zero at the end":          {goodSDP + "\x00", true},
	"a zero at the very end":     {strings.TrimSuffix(goodSDP, "\r\n") + "\x00", true},
	"ends of line of old":        {strings.ReplaceAll(goodSDP, "\r\n", "\r"), true},
	"ends of line of Unix":       {strings.ReplaceAll(goodSDP, "\r\n", "\n"), true},
	"an unknown medium":          {goodSDP + "m=image 0 RTP/AVP 107\r\na=rtpmap:107 onvif.metadata/90000\r\n", true},
	"an unknown medium first":    {strings.Replace(goodSDP, "m=video", "m=vnd.metadata 0 RTP/AVP 107\r\na=control:meta\r\nm=video", 1), true},
	"a medium with no type":      {goodSDP + "m=application 0 RTP/AVP\r\n", true},
	"sound without a clock":      {goodSDP + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic\r\na=control:trackID=2\r\n", true},
	"sound that makes no sense":  {goodSDP + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/44100\r\na=fmtp:97 config=zz\r\n", true},
	"names for some media":       {goodSDP + "a=mid:0\r\nm=audio 0 RTP/AVP 0\r\na=control:2\r\n", true},
	"a name for two media":       {goodSDP + "a=mid:0\r\nm=audio 0 RTP/AVP 0\r\na=mid:0\r\na=control:2\r\n", true},
	"a group of nobody":          {strings.Replace(goodSDP, "t=0 0", "t=0 0\r\na=group:FEC 1 2", 1), true},
	"keys that make no sense":    {strings.Replace(goodSDP, "t=0 0", "t=0 0\r\na=key-mgmt:foo", 1), true},
	"a relative session control": {strings.Replace(goodSDP, "t=0 0", "t=0 0\r\na=control:live", 1), true},
	"a capital medium":           {strings.Replace(goodSDP, "m=video", "m=Video", 1), true},
	"a profile of its own":       {strings.Replace(goodSDP, "RTP/AVP", "RTP/AVP/UNICAST", 1), true},
	"a port of words":            {strings.Replace(goodSDP, "video 0", "video any", 1), true},
	"no payload type":            {strings.Replace(goodSDP, "RTP/AVP 96", "RTP/AVP", 1), true},
	"no clock":                   {strings.Replace(strings.Replace(goodSDP, "H264/90000", "H264", 1), "t=0 0", "t=", 1), true},
	"a mode of words":            {strings.Replace(goodSDP, "packetization-mode=1", "packetization-mode=one", 1), true},
	"parameter sets of no kind":  {strings.Replace(goodSDP, "Z0LAKNk", "Z0LAK*k", 1), false},
	"parameter sets of nonsense": {strings.Replace(goodSDP, "Z0LAKNkAeAIn5YQAAAMABAAAAwDwPGDJIA==", "Z0I=", 1), false},
	"empty parameter sets":       {strings.Replace(goodSDP, "=Z0LAKNkAeAIn5YQAAAMABAAAAwDwPGDJIA==,aM48gA==", "=", 1), false},
	"parameters of another":      {strings.Replace(goodSDP, "a=fmtp:96", "a=fmtp:97", 1), true},
	"an orphan codec":            {strings.Replace(goodSDP, "a=rtpmap", "a=rtpmap:98 H265/90000\r\na=rtpmap", 1), true},
}

// Each of them must do in the end: the video is set up under its own address, and played.
func TestBrokenDescriptions(t *testing.T) {
	for name, tc := range brokenSDPs {
		t.Run(name, func(t *testing.T) {
			s := play(t, answers{base.Describe: func(r *base.Request) string {
				headers := []string{"Content-Base: " + r.URL.String() + "/"}
				return strings.Replace(describes(r, tc.sdp, headers...), "application/sdp", "text/plain", 1)
			}})
			v, _, ended := run(t, sourceOf(t, "url: rtsp://"+s.address+"/live"))
			p := next(t, v.begun, ended)
			if tc.sets && (len(p.Sets) != 2 || !bytes.Equal(p.Sets[0], sps) || !bytes.Equal(p.Sets[1], pps)) {
				t.Errorf("the parameter sets are %x", p.Sets)
			}
			next(t, v.packets, ended)
			if got := s.asked(base.Setup); len(got) != 1 || got[0].URL.Path != "/live/trackID=1" {
				t.Errorf("set up %v", got)
			}
		})
	}
}

func TestAGoodDescriptionStays(t *testing.T) {
	if got := rtsp.Repaired(goodSDP); got != goodSDP {
		t.Errorf("got %s", got)
	}
}

func TestEncryptionSurvivesTheRepair(t *testing.T) {
	got := rtsp.Repaired("hello\r\n" + strings.Replace(goodVideo, "RTP/AVP", "RTP/SAVP", 1))
	if !strings.Contains(got, "m=video 0 RTP/SAVP 96\r\n") {
		t.Errorf("got %s", got)
	}
}

func FuzzRepaired(f *testing.F) {
	for _, tc := range brokenSDPs {
		f.Add(tc.sdp)
	}
	f.Add("m=\r\nm=video\r\nm=96\r\nm=video 96\r\na=rtpmap: ")
	f.Fuzz(func(t *testing.T, sdp string) {
		was, got := rtsp.Understood(sdp), rtsp.Repaired(sdp)
		if was == nil && got != sdp {
			t.Errorf("changed what was understood:\n%q\n%q", sdp, got)
		}
		if got != sdp && rtsp.Understood(got) != nil {
			t.Errorf("made something new that is not understood: %q", got)
		}
		if again := rtsp.Repaired(got); again != got {
			t.Errorf("repaired twice:\n%q\n%q", got, again)
		}
		if was != nil && got == sdp && strings.Contains(sdp, "\n"+goodVideo) && strings.HasSuffix(sdp, goodVideo) {
			t.Errorf("lost the video of %q", sdp)
		}
	})
}

// FuzzDescribed is the way of a description into SETUP: whatever comes, it is an error or a video with an address.
func FuzzDescribed(f *testing.F) {
	for _, tc := range brokenSDPs {
		f.Add(tc.sdp, "rtsp://192.168.1.2:1935/")
	}
	f.Add(strings.Replace(goodSDP, "trackID=1", "%zz", 1), "rtsp://rtsp://cam/live")
	src := sourceOf(f, "url: rtsp://10.0.0.5/live")
	f.Fuzz(func(t *testing.T, sdp, contentBase string) {
		request := &base.Request{Method: base.Describe, URL: address(t, "rtsp://10.0.0.5/live"), Header: base.Header{"CSeq": {"1"}}}
		response := &base.Response{StatusCode: 200, Header: base.Header{"CSeq": {"1"}, "Content-Base": {contentBase}}, Body: []byte(sdp)}
		rtsp.Mended(rtsp.Keepalive{}, rtsp.Exchange{Request: request, Response: response})
		parsed, err := sdpunmarshaler.Unmarshal(response.Body)
		if err != nil {
			return
		}
		var session description.Session
		if session.Unmarshal2(parsed) != nil {
			return
		}
		for _, said := range response.Header["Content-Base"] {
			if u, err := base.ParseURL(said); err != nil || u.Host != "10.0.0.5" {
				t.Errorf("the base is %q", said)
			}
		}
		session.BaseURL = request.URL
		media, codec, err := rtsp.Choose(src, &session)
		if err != nil {
			return
		}
		if u, err := media.URL(session.BaseURL); err != nil || u == nil || media.IsBackChannel || codec == "" {
			t.Errorf("the video is %+v", media)
		}
	})
}
