package onviftest

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// usesOfNonce is after how many requests a nonce of HTTP digest is used up.
const usesOfNonce = 3

// open is what everybody may ask (ONVIF Core, 5.9.4.4).
var open = map[string]bool{"GetSystemDateAndTime": true, "GetServices": true, "GetCapabilities": true}

// knows reports whether a request is of somebody who is logged in. If not it has answered.
func (s *Server) knows(w http.ResponseWriter, r *http.Request, e *envelope) bool {
	switch s.Login {
	case Token:
		if open[e.operation()] || s.tokenIsGood(e.Header.Security) {
			return true
		}
		s.fault(w, http.StatusBadRequest, "ter:NotAuthorized", "The action requested requires authorization and the sender is not authorized")
		return false
	case Digest: // which does not look into the envelope before it knows whose it is
		good, stale := s.digestIsGood(r)
		if !good {
			s.challenge(w, stale)
		}
		return good
	case Basic:
		if open[e.operation()] {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
		http.Error(w, "<html><body>Unauthorized</body></html>", http.StatusUnauthorized)
		return false
	}
	return true
}

// tokenIsGood checks a UsernameToken as cameras do: the digest, its age by their own clock, and that it did not come before.
func (s *Server) tokenIsGood(t *security) bool {
	if t == nil || t.Username != s.Username || !strings.HasSuffix(t.Password.Type, "#PasswordDigest") {
		return false
	}
	nonce, err := base64.StdEncoding.DecodeString(t.Nonce)
	if err != nil || len(nonce) < 8 {
		return false
	}
	created, err := time.Parse(time.RFC3339, t.Created)
	if err != nil {
		return false
	}
	if age := time.Now().Add(s.Clock).Sub(created); age > 10*time.Second || age < -10*time.Second {
		return false
	}
	s.mu.Lock()
	used := s.tokens[t.Nonce]
	s.tokens[t.Nonce] = true
	s.mu.Unlock()
	sum := sha1.Sum(append(nonce, t.Created+s.Password...))
	return !used && t.Password.Digest == base64.StdEncoding.EncodeToString(sum[:])
}

func (s *Server) challenge(w http.ResponseWriter, stale bool) {
	nonce := rand.Text()
	s.mu.Lock()
	s.nonces[nonce] = 0
	s.mu.Unlock()
	value := `Digest realm="camera, \"IP\"", qop="auth,auth-int", nonce="` + nonce + `", opaque="", algorithm=MD5`
	if stale {
		value += ", stale=TRUE"
	}
	w.Header().Add("WWW-Authenticate", `Basic realm="camera"`) // offered as well, and never to be taken
	w.Header().Add("WWW-Authenticate", value)
	w.WriteHeader(http.StatusUnauthorized)
}

var parameter = regexp.MustCompile(`(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))`)

// digestIsGood checks a proof of RFC 7616.
func (s *Server) digestIsGood(r *http.Request) (good, stale bool) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
	if !ok {
		return false, false
	}
	p := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(given, -1) {
		p[m[1]] = strings.ReplaceAll(m[2], `\"`, `"`) + m[3]
	}
	identity := hashed(s.Username, `camera, "IP"`, s.Password)
	wanted := hashed(identity, p["nonce"], p["nc"], p["cnonce"], "auth", hashed(r.Method, r.URL.RequestURI()))
	if p["response"] != wanted || p["uri"] != r.URL.RequestURI() || p["qop"] != "auth" || p["cnonce"] == "" {
		return false, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	uses, known := s.nonces[p["nonce"]]
	if !known || p["nc"] != "0000000"+string(rune('1'+uses)) {
		return false, false
	}
	s.nonces[p["nonce"]]++
	return uses < usesOfNonce, uses >= usesOfNonce
}

func hashed(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}
