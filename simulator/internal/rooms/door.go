package rooms

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// leeway is for how long after its expiry livekit-server itself still takes a token, rounded up.
const leeway = 2 * time.Minute

// A Door stands in front of a LiveKit server's signalling and keeps out tokens that the server would let in: voided ones,
// and ones in the minute after their expiry. All else passes, websockets included; media takes its own way. The tokens with
// which LiveKit refreshes a running session are not the door's, so a session survives that way as it does without a door.
type Door struct {
	proxy *httputil.ReverseProxy

	mu     sync.Mutex
	passes map[string]*pass // by token
}

// A pass is what the door knows of one token that was handed out.
type pass struct {
	room    string
	publish bool
	expires time.Time
	void    bool
}

// NewDoor returns a door before the server at target, an http:// URL. It is an http.Handler.
func NewDoor(target *url.URL) *Door {
	return &Door{
		passes: map[string]*pass{},
		proxy: &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport: &http.Transport{DisableKeepAlives: true}, // no connection outlives a server that was killed
			ErrorLog:  log.New(io.Discard, "", 0),               // its lines could hold tokens
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
				http.Error(w, "livekit-server does not answer", http.StatusBadGateway)
			},
		},
	}
}

// Register makes a token known that may be used for ttl.
func (d *Door) Register(token, room string, publish bool, ttl time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for token, p := range d.passes {
		if now.Sub(p.expires) > leeway {
			delete(d.passes, token) // the server refuses it by itself
		}
	}
	d.passes[token] = &pass{room: room, publish: publish, expires: now.Add(ttl)}
}

// Void makes all publish tokens of a room useless.
func (d *Door) Void(room string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.passes {
		p.void = p.void || (p.room == room && p.publish)
	}
}

// ServeHTTP passes a request on or answers 401.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.opens(tokenOf(r)) {
		http.Error(w, "invalid token", http.StatusUnauthorized)
		return
	}
	d.proxy.ServeHTTP(w, r)
}

func (d *Door) opens(token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, known := d.passes[token]
	return !known || (!p.void && time.Now().Before(p.expires))
}

// tokenOf returns the token of a LiveKit request: a bearer token or a query parameter.
func tokenOf(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	return r.URL.Query().Get("access_token")
}
