package discover_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/discover"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// The examples of RFC 7616, 3.9.1, and of RFC 2069 as corrected by errata 749.
func TestDigestOfTheStandard(t *testing.T) {
	user := discover.Login{Username: "Mufasa", Password: secret.New("Circle of Life")}
	const example = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
		`opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	of := func(algorithm string) string { return strings.ReplaceAll(example, "%", algorithm) }
	const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	for header, want := range map[string]string{
		of("MD5"):     `response="8ca523f5e9506fed4657c9700eebdbec", algorithm=MD5, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
		of("SHA-256"): `nc=00000001, cnonce="` + cnonce + `", response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`,
		`Basic realm="a", ` + of("MD5") + `, ` + of("SHA-256") + `, Digest algorithm=SHA-1, nonce="x"`:// the strongest
		"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		`digest Realm = "http-auth@example.org" , NONCE=7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v`: `uri="/dir/index.html", response="`,
	} {
		if got := discover.Authorization(header, user, "GET", "/dir/index.html", cnonce); !strings.Contains(got, want) {
			t.Errorf("%s is answered with %s, want %s", header, got, want)
		}
	}
	old := discover.Login{Username: "Mufasa", Password: secret.New("CircleOfLife")}
	got := discover.Authorization(`Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		old, "GET", "/dir/index.html", cnonce)
	if !strings.Contains(got, `response="1949323746fe6a43ef61f9606e7febea"`) || strings.Contains(got, "qop") {
		t.Errorf("the oldest form is answered with %s", got)
	}
}

func TestChallengesThatCannotBeMet(t *testing.T) {
	for _, header := range []string{
		"", ",,,", "Basic realm=x", "Digest", `Digest realm="a", nonce="n", algorithm=SHA-512-256`, `Digest realm="a", nonce="n", qop="auth-int"`,
		`Digest realm="a`, `Negotiate abc==, Digest realm="a"`, `realm="x", nonce="y"`,
	} {
		if got := discover.Authorization(header, login, "POST", "/", "c"); got != "" {
			t.Errorf("%s is answered with %s", header, got)
		}
	}
}

// The example of the ONVIF Programmer's Guide, 6.1.1.3.
func TestTokenOfTheStandard(t *testing.T) {
	nonce, err := base64.StdEncoding.DecodeString("LKqI6G/AikKCQrN0zqZFlg==")
	if err != nil {
		t.Fatal(err)
	}
	if got := discover.TokenDigest(nonce, "2010-09-16T07:50:45Z", discover.Login{Password: secret.New("userpassword")}); got != "tuOSpGlFlIXsozq4HFNeeGeFLEI=" {
		t.Errorf("the digest is %s", got)
	}
}

// Answers as cameras of several makers write them, in our words.
func TestMatches(t *testing.T) {
	const service = "http://10.0.0.1/onvif/device_service"
	for name, text := range map[string]string{
		"bare": matchOf("urn:uuid:x", service),
		"not declared": `<SOAP-ENV:Envelope><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:x</wsa:Address>` +
			`</wsa:EndpointReference><d:Scopes>onvif://www.onvif.org/</d:Scopes><d:XAddrs>http://10.0.0.1/onvif/device_service</d:XAddrs></d:ProbeMatch>` +
			`</d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`,
		"other charset": `<?xml version="1.0" encoding="GB2312"?>` +
			strings.Replace(matchOf("urn:uuid:x", service), "<Types>", "<Name>\xd6\xd0&nbsp;</Name><Types>", 1),
		"zeros behind": matchOf("urn:uuid:x", service) + "\x00\x00",
		"mark ahead":   "\ufeff" + matchOf("urn:uuid:x", service),
	} {
		devices, err := discover.ParseMatches([]byte(text))
		if err != nil || len(devices) != 1 || devices[0].Endpoint != "urn:uuid:x" || len(devices[0].Services) != 1 {
			t.Errorf("%s: %v, %+v", name, err, devices)
		}
	}
}

// Refusals as cameras of several makers write them.
func TestFaults(t *testing.T) {
	v12 := func(code, text string) string {
		return `<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><env:Fault><env:Code><env:Value>env:Sender</env:Value>` +
			`<env:Subcode><env:Value>` + code + `</env:Value></env:Subcode></env:Code>` +
			`<env:Reason><env:Text>` + text + `</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>`
	}
	for text, login := range map[string]bool{
		v12("ter:NotAuthorized", "x"): true, v12("x", "The action requested requires authorization and the sender is not authorized"): true,
		v12("x", "Wsse authorized time check failed."): true, v12("wsse:FailedAuthentication", ""): true, v12("x", "Authority failure"): true,
		v12("ter:ActionNotSupported", "Optional Action Not Implemented"): false, v12("ter:InvalidArgVal", "no such profile"): false,
		`<Envelope><Body><Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>Unauthorized</faultstring></Fault></Body></Envelope>`: true,
	} {
		if got, _, err := discover.ReadReply([]byte(text)); got != login || err == nil {
			t.Errorf("login %v, %v for %s", got, err, text)
		}
	}
}

func FuzzMatches(f *testing.F) {
	f.Add([]byte(matchOf("urn:uuid:x", "http://10.0.0.1/a http://[fe80::1]:80/b")))
	f.Add([]byte(`<a><Body><ProbeMatches><ProbeMatch><Scopes>onvif://www.onvif.org/name/A%20B</Scopes>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		devices, err := discover.ParseMatches(text)
		if err != nil && len(devices) > 0 || len(devices) > 8 {
			t.Errorf("%v, %+v", err, devices)
		}
		for _, d := range devices {
			if strings.ContainsAny(d.Name+d.Hardware+d.Location, "\n\r\x1b\u202e") || len(d.Services) > 8 {
				t.Errorf("%+v", d)
			}
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`<e:Envelope><e:Body><e:Fault><e:Code><e:Value>x</e:Value></e:Code></e:Fault></e:Body></e:Envelope>`))
	f.Add([]byte(`<Envelope><Body><GetProfilesResponse><Profiles token="a"><VideoEncoderConfiguration><Resolution><Width>9</Width></Resolution>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		login, streams, err := discover.ReadReply(text)
		if err != nil && streams > 0 && login || err != nil && strings.ContainsAny(err.Error(), "\x1b\u202e") {
			t.Errorf("%v, %d, %q", login, streams, err)
		}
	})
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="a\"b", nonce="n", qop="auth,auth-int", stale=TRUE, Basic realm="x"`, "/a?b=c")
	f.Fuzz(func(t *testing.T, header, uri string) {
		got := discover.Authorization(header, discover.Login{Username: "u", Password: secret.New("canary-77")}, "POST", url.PathEscape(uri), "c")
		if strings.Contains(got, "canary-77") && !strings.Contains(header+uri, "canary-77") {
			t.Errorf("%s is answered with %s", header, got)
		}
	})
}

// FuzzStreamURL looks for addresses that lead away from the host that was asked.
func FuzzStreamURL(f *testing.F) {
	for _, u := range []string{
		"rtsp://10.0.0.1:554/a?b=c", "rtsp://u:p@h/x", "rtsps://[fe80::1%25eth0]:322/",
		"rtsp://h/#a@evil/", "rtsp://h\\@evil/", "rtsp://h/a@evil/b", "rtsp://h?@evil",
	} {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		address, _, err := discover.StreamURL(here, raw)
		if err != nil {
			return
		}
		clean, user, password := secret.SplitUserinfo(address)
		u, err := url.Parse(clean)
		if err != nil || u.Hostname() != here.String() || user != "" || !password.IsZero() || u.Scheme != "rtsp" && u.Scheme != "rtsps" {
			t.Errorf("%q became %q: %v", raw, address, err)
		}
	})
}
