package discover

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"strings"
	"time"
)

const (
	wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsu  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	ut   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
	sms  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
)

// token is the SOAP header that proves to know the password (WS-Security UsernameToken profile 1.0, 3.1). A camera takes it for some seconds
// after created only, by its own clock.
func token(l Login, created time.Time) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // it does not fail
	at := created.UTC().Format("2006-01-02T15:04:05Z")
	return `<Security s:mustUnderstand="1" xmlns="` + wsse + `"><UsernameToken><Username>` + escaped(l.Username) + `</Username>` +
		`<Password Type="` + ut + `#PasswordDigest">` + tokenDigest(nonce, at, l) + `</Password>` +
		`<Nonce EncodingType="` + sms + `#Base64Binary">` + base64.StdEncoding.EncodeToString(nonce) + `</Nonce>` +
		`<Created xmlns="` + wsu + `">` + at + `</Created></UsernameToken></Security>`
}

// tokenDigest is Base64(SHA-1(nonce + created + password)).
func tokenDigest(nonce []byte, created string, l Login) string {
	h := sha1.New()
	h.Write(nonce)
	h.Write([]byte(created + l.Password.Reveal()))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// escaped writes a text into XML.
func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder does not fail
	return out.String()
}
