package onviftest

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// answerMedia is the older service, ver10.
func (s *Server) answerMedia(e *envelope) string {
	switch o := e.Body.Operation; e.operation() {
	case "GetProfiles":
		list := ""
		for _, p := range s.Profiles {
			if p.OnlyMedia2 {
				continue
			}
			if p.Encoding == "H265" {
				p.Encoding = "H264" // this service has no word for it
			}
			list += fmt.Sprintf(`<trt:Profiles token="%s" fixed="true"><tt:Name>%s</tt:Name><tt:VideoSourceConfiguration token="c"><tt:Name>c</tt:Name>`+
				`<tt:SourceToken>%s</tt:SourceToken></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="e"><tt:Name>e</tt:Name>%s`+
				`</tt:VideoEncoderConfiguration></trt:Profiles>`, html.EscapeString(p.Token), html.EscapeString(p.Name), p.Source, p.encoder())
		}
		return `<trt:GetProfilesResponse>` + list + `</trt:GetProfilesResponse>`
	case "GetStreamUri":
		uri := s.uri(o.Profile)
		if uri == "" || o.Stream != "RTP-Unicast" || o.Carrier != "RTSP" {
			return ""
		}
		return `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>` + uri + `</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>` +
			`<tt:InvalidAfterReboot>true</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>`
	}
	return ""
}

// answerMedia2 is the newer service, ver20.
func (s *Server) answerMedia2(e *envelope) string {
	switch o := e.Body.Operation; e.operation() {
	case "GetProfiles":
		list := ""
		for _, p := range s.Profiles {
			if p.OnlyMedia {
				continue
			}
			inside := ""
			if slices.Contains(o.Types, "VideoSource") {
				inside += `<tr2:VideoSource token="c"><tt:SourceToken>` + p.Source + `</tt:SourceToken></tr2:VideoSource>`
			}
			if slices.Contains(o.Types, "VideoEncoder") {
				inside += `<tr2:VideoEncoder token="e">` + p.encoder() + `</tr2:VideoEncoder>`
			}
			list += fmt.Sprintf(`<tr2:Profiles token="%s" fixed="true"><tr2:Name>%s</tr2:Name><tr2:Configurations>%s</tr2:Configurations></tr2:Profiles>`,
				html.EscapeString(p.Token), html.EscapeString(p.Name), inside)
		}
		return `<tr2:GetProfilesResponse>` + list + `</tr2:GetProfilesResponse>`
	case "GetStreamUri":
		if uri := s.uri(o.Profile); uri != "" && o.Protocol == "RtspUnicast" { // as those answer that know no other
			return `<tr2:GetStreamUriResponse><tr2:Uri>` + uri + `</tr2:Uri></tr2:GetStreamUriResponse>`
		}
	}
	return ""
}

func (p Profile) encoder() string {
	return fmt.Sprintf(`<tt:Encoding>%s</tt:Encoding><tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution>`+
		`<tt:RateControl><tt:FrameRateLimit>%s</tt:FrameRateLimit><tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl>`,
		p.Encoding, p.Width, p.Height, p.Rate)
}

func (s *Server) uri(token string) string {
	host := s.Host.WithZone("").String()
	if s.Host.Is6() {
		host = "[" + host + "]"
	}
	for _, p := range s.Profiles {
		if p.Token == token {
			return html.EscapeString(strings.ReplaceAll(p.URI, "HOST", host))
		}
	}
	return ""
}
