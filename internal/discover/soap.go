package discover

import (
	"fmt"
	"strings"
	"unicode"
)

// Namespaces of the services and operations that we use.
const (
	deviceSpace = "http://www.onvif.org/ver10/device/wsdl"
	mediaSpace  = "http://www.onvif.org/ver10/media/wsdl"
	media2Space = "http://www.onvif.org/ver20/media/wsdl"
	schemaSpace = "http://www.onvif.org/ver10/schema"
)

// An operation is a question to a service: its namespace, name and the XML inside.
type operation struct{ space, name, inside string }

// envelope is the SOAP 1.2 message that asks it, with a header (XML) that may be empty.
func (o operation) envelope(header string) string {
	if header != "" {
		header = "<s:Header>" + header + "</s:Header>"
	}
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">` + header +
		`<s:Body><` + o.name + ` xmlns="` + o.space + `">` + o.inside + `</` + o.name + `></s:Body></s:Envelope>`
}

// contentType carries the action, as SOAP 1.2 has it.
func (o operation) contentType() string {
	return `application/soap+xml; charset=utf-8; action="` + o.space + "/" + o.name + `"`
}

// A fault is a camera's no.
type fault struct {
	reason string // one printable line
	login  bool   // it would say yes to somebody who is logged in
}

func (f *fault) Error() string { return "the camera says no: " + f.reason }

// faultBody reads faults of SOAP 1.2 and, as some cameras answer, of 1.1.
type faultBody struct {
	Fault *struct {
		Codes   []string `xml:"Code>Value"`
		Sub     []string `xml:"Code>Subcode>Value"`
		SubSub  []string `xml:"Code>Subcode>Subcode>Value"`
		Reasons []string `xml:"Reason>Text"`
		Details []string `xml:"Detail>Text"`
		Code11  string   `xml:"faultcode"`
		Text11  string   `xml:"faultstring"`
	} `xml:"Body>Fault"`
}

// parseFault returns the fault in an answer, nil if it holds none. The error is that it is no SOAP.
func parseFault(text []byte, clean *cleaner) (*fault, error) {
	var body faultBody
	if err := unmarshal(text, &body); err != nil {
		return nil, err
	}
	if body.Fault == nil {
		return nil, nil
	}
	b := body.Fault
	codes := append(append(append(b.Codes, b.Sub...), b.SubSub...), b.Code11)
	reasons := append(append(b.Reasons, b.Text11), b.Details...)
	said := strings.Join(append(codes, reasons...), " ")
	shown := clean.line(strings.Join(reasons, " "))
	if shown == "" {
		shown = clean.line(strings.Join(codes, " "))
	}
	return &fault{reason: fmt.Sprintf("%q", shown), login: wantsLogin(said)}, nil
}

// wantsLogin recognises the many ways to say that somebody has to log in. The standard knows ter:NotAuthorized; others quote the standard
// of the token, or complain about it.
func wantsLogin(said string) bool {
	letters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, said)
	for _, way := range []string{"authoriz", "authentic", "authorityfailure", "invalidsecurity", "failedcheck", "wsse"} {
		if strings.Contains(letters, way) {
			return true
		}
	}
	return false
}
