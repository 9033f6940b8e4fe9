package discover

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
)

// A challenge is what a camera wants to have proven by HTTP digest (RFC 7616, and RFC 2069 where it gives no qop).
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // as the camera wrote it, "" where it wrote none
	hasOpaque, qop       bool   // qop: it takes "auth"

	used int // how often the nonce was used
}

// challenges returns the best challenge that we can meet, nil if there is none, and whether the password is wanted as it is.
func challenges(h http.Header) (best *challenge, basic bool) {
	for _, offer := range parseOffers(strings.Join(h.Values("WWW-Authenticate"), ",")) {
		if strings.EqualFold(offer.scheme, "Basic") {
			basic = true
		}
		if !strings.EqualFold(offer.scheme, "Digest") {
			continue
		}
		c := offer.challenge()
		if c != nil && (best == nil || c.strength() > best.strength()) {
			best = c
		}
	}
	return best, basic
}

// challenge returns nil for what we cannot meet: algorithms nobody uses, and proofs over the body alone.
func (o offer) challenge() *challenge {
	c := &challenge{
		realm: o.parameters["realm"], nonce: o.parameters["nonce"], opaque: o.parameters["opaque"], algorithm: o.parameters["algorithm"],
	}
	_, c.hasOpaque = o.parameters["opaque"]
	if wanted, given := o.parameters["qop"]; given {
		c.qop = slices.ContainsFunc(strings.Split(wanted, ","), func(one string) bool { return strings.EqualFold(strings.TrimSpace(one), "auth") })
		if !c.qop {
			return nil
		}
	}
	if c.strength() == 0 || c.nonce == "" {
		return nil
	}
	return c
}

// strength is 0 for unknown algorithms.
func (c *challenge) strength() int {
	switch name, _ := c.hashing(); {
	case name == "MD5":
		return 1
	case name == "SHA-256":
		return 2
	}
	return 0
}

// hashing returns the algorithm without its -sess, and whether it had that.
func (c *challenge) hashing() (name string, session bool) {
	name, session = strings.CutSuffix(strings.ToUpper(c.algorithm), "-SESS")
	if name == "" {
		name = "MD5"
	}
	return name, session
}

func (c *challenge) hash(parts ...string) string {
	var h hash.Hash = md5.New()
	if name, _ := c.hashing(); name == "SHA-256" {
		h = sha256.New()
	}
	h.Write([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(h.Sum(nil))
}

// authorization proves to know the password, for one request: the value of a header. The password cannot be read out of it, but whoever sees it
// can try passwords.
func (c *challenge) authorization(l Login, method, uri string) string {
	return c.authorize(l, method, uri, rand.Text())
}

// authorize is authorization with a random text of our own.
func (c *challenge) authorize(l Login, method, uri, mine string) string {
	c.used++
	count := fmt.Sprintf("%08x", c.used)
	identity := c.hash(l.Username, c.realm, l.Password.Reveal())
	if _, session := c.hashing(); session {
		identity = c.hash(identity, c.nonce, mine)
	}
	what := c.hash(method, uri)
	var out strings.Builder
	fmt.Fprintf(&out, `Digest username=%s, realm=%s, nonce=%s, uri=%s`, quoted(l.Username), quoted(c.realm), quoted(c.nonce), quoted(uri))
	if c.qop {
		fmt.Fprintf(&out, `, qop=auth, nc=%s, cnonce="%s", response="%s"`, count, mine, c.hash(identity, c.nonce, count, mine, "auth", what))
	} else {
		fmt.Fprintf(&out, `, response="%s"`, c.hash(identity, c.nonce, what))
	}
	if c.algorithm != "" {
		fmt.Fprintf(&out, ", algorithm=%s", c.algorithm)
	}
	if c.hasOpaque {
		fmt.Fprintf(&out, ", opaque=%s", quoted(c.opaque))
	}
	return out.String()
}

// quoted writes a quoted-string of HTTP.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
