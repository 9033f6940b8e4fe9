package onviftest

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"
)

// An envelope is a request, with the namespaces that the standards say.
type envelope struct {
	XMLName xml.Name `xml:"http://www.w3.org/2003/05/soap-envelope Envelope"`
	Header  struct {
		Security *security `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Security"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Header"`
	Body struct {
		Operation struct {
			XMLName  xml.Name
			Profile  string   `xml:"ProfileToken"`
			Protocol string   `xml:"Protocol"`
			Category string   `xml:"Category"`
			Stream   string   `xml:"StreamSetup>Stream"`
			Carrier  string   `xml:"StreamSetup>Transport>Protocol"`
			Types    []string `xml:"Type"`
		} `xml:",any"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Body"`
}

// A security is the header of WS-Security with a UsernameToken.
type security struct {
	Username string `xml:"UsernameToken>Username"`
	Password struct {
		Type   string `xml:"Type,attr"`
		Digest string `xml:",chardata"`
	} `xml:"UsernameToken>Password"`
	Nonce   string `xml:"UsernameToken>Nonce"`
	Created string `xml:"UsernameToken>Created"`
}

func (e *envelope) operation() string { return e.Body.Operation.XMLName.Local }

const (
	deviceSpace = "http://www.onvif.org/ver10/device/wsdl"
	mediaSpace  = "http://www.onvif.org/ver10/media/wsdl"
	media2Space = "http://www.onvif.org/ver20/media/wsdl"
)

// serve notes a request and answers it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var e envelope
	err = xml.Unmarshal(body, &e)
	s.mu.Lock()
	s.seen = append(s.seen, Request{e.operation(), r.Header.Get("Authorization"), string(body), r.Host})
	s.mu.Unlock()
	if s.Serve != nil {
		s.Serve.ServeHTTP(w, r)
		return
	}
	if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/soap+xml") {
		s.t.Errorf("a request is none: %s, %v in %s", r.Method, err, body)
	}
	if !s.knows(w, r, &e) {
		return
	}
	if e.operation() == s.Forbidden {
		s.fault(w, http.StatusBadRequest, "ter:NotAuthorized", "Sender not Authorized")
		return
	}
	answer := s.answer(e.Body.Operation.XMLName.Space, &e)
	if answer == "" {
		s.fault(w, http.StatusInternalServerError, "ter:ActionNotSupported", "Optional Action Not Implemented")
		return
	}
	s.write(w, http.StatusOK, answer)
}

func (s *Server) write(w http.ResponseWriter, status int, inside string) {
	p := cmp.Or(s.Prefix, "s")
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><%[1]s:Envelope xmlns:%[1]s="http://www.w3.org/2003/05/soap-envelope" `+
		`xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds=%[3]q xmlns:trt=%[4]q xmlns:tr2=%[5]q xmlns:ter="http://www.onvif.org/ver10/error">`+
		`<%[1]s:Header/><%[1]s:Body>%[2]s</%[1]s:Body></%[1]s:Envelope>`, p, inside, deviceSpace, mediaSpace, media2Space)
}

func (s *Server) fault(w http.ResponseWriter, status int, code, reason string) {
	p := cmp.Or(s.Prefix, "s")
	s.write(w, status, fmt.Sprintf(`<%[1]s:Fault><%[1]s:Code><%[1]s:Value>%[1]s:Sender</%[1]s:Value><%[1]s:Subcode><%[1]s:Value>%[2]s</%[1]s:Value>`+
		`</%[1]s:Subcode></%[1]s:Code><%[1]s:Reason><%[1]s:Text xml:lang="en">%[3]s</%[1]s:Text></%[1]s:Reason></%[1]s:Fault>`, p, code, reason))
}

// answer is what an operation answers, "" for what the camera does not know.
func (s *Server) answer(space string, e *envelope) string {
	switch {
	case space == deviceSpace:
		return s.answerDevice(e)
	case space == mediaSpace && !s.NoMedia:
		return s.answerMedia(e)
	case space == media2Space && !s.NoMedia2:
		return s.answerMedia2(e)
	}
	return ""
}

func (s *Server) answerDevice(e *envelope) string {
	switch e.operation() {
	case "GetSystemDateAndTime":
		now := time.Now().UTC().Add(s.Clock)
		return fmt.Sprintf(`<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:UTCDateTime>`+
			`<tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time>`+
			`<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime>`+
			`</tds:GetSystemDateAndTimeResponse>`, now.Hour(), now.Minute(), now.Second(), now.Year(), now.Month(), now.Day())
	case "GetDeviceInformation":
		return fmt.Sprintf(`<tds:GetDeviceInformationResponse><tds:Manufacturer>%s</tds:Manufacturer><tds:Model>%s</tds:Model>`+
			`<tds:FirmwareVersion>%s</tds:FirmwareVersion><tds:SerialNumber>%s</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId>`+
			`</tds:GetDeviceInformationResponse>`, html.EscapeString(s.Manufacturer), html.EscapeString(s.Model), s.Firmware, s.Serial)
	case "GetServices":
		if s.WithoutGetServices {
			return ""
		}
		return s.services()
	case "GetCapabilities":
		return `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device><tt:XAddr>` + s.Own + `</tt:XAddr></tt:Device>` +
			`<tt:Media><tt:XAddr>` + s.place(s.Media, "/onvif/media") + `</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`
	}
	return ""
}

func (s *Server) services() string {
	list := ""
	for _, one := range []struct {
		missing        bool
		space, address string
	}{
		{false, deviceSpace, s.Own},
		{s.NoMedia, mediaSpace, s.place(s.Media, "/onvif/media")},
		{s.NoMedia2, media2Space, s.place(s.Media2, "/onvif/media2?x=1")},
	} {
		if !one.missing {
			list += `<tds:Service><tds:Namespace>` + one.space + `</tds:Namespace><tds:XAddr>` + one.address +
				`</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>`
		}
	}
	return `<tds:GetServicesResponse>` + list + `</tds:GetServicesResponse>`
}

// place is the address of a service.
func (s *Server) place(elsewhere func(string) string, path string) string {
	if elsewhere != nil {
		return elsewhere(s.Own)
	}
	return strings.Replace(s.Own, "/onvif/device_service", path, 1)
}
