package overshoot

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

const (
	defaultControlTimeout = 15 * time.Second
	defaultChatTimeout    = 30 * time.Second
	defaultMaxBody        = 1 << 20
)

// Options configures a [Client].
type Options struct {
	// BaseURL is the host root of the service, for example
	// https://api.overshoot.ai. The generation "v1beta" is appended unless the
	// path already ends in "v1beta" or "v1". It may not carry credentials.
	BaseURL string

	// Key returns the newest text of the API key. It is called for each call that
	// needs one, and again after a 401, so a key file may change under a running
	// client. Many goroutines may call it at once.
	Key func() (string, error)

	// UserAgent is sent as the header of that name; empty sends Go's own.
	UserAgent string

	// Transport carries the requests; nil means a transport of its own with
	// bounded dialing, bounded headers, no compression and HTTP/2 health checks.
	Transport http.RoundTripper

	// Metrics counts requests; nil counts nothing.
	Metrics *Metrics

	// ControlTimeout bounds each call but Chat, from first byte out to last byte
	// in, including a repeat in another region. Zero means 15 s.
	ControlTimeout time.Duration

	// ChatTimeout bounds Chat in the same way. Zero means 30 s.
	ChatTimeout time.Duration

	// MaxBody is the largest answer taken, in bytes. Zero means 1 MiB.
	MaxBody int64
}

// Client calls the service with one API key. Its methods may be called from many
// goroutines. See the package comment for what all of them share.
type Client struct {
	root      string // scheme, host and path prefix; billing lives here
	api       string // root plus generation; everything else lives here
	key       func() (string, error)
	userAgent string
	transport http.RoundTripper
	metrics   *Metrics
	gate      gate

	controlTimeout time.Duration
	chatTimeout    time.Duration
	maxBody        int64
}

// New checks the options and returns a client. It opens no connection.
func New(o Options) (*Client, error) {
	root, api, err := splitBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Key == nil {
		return nil, errors.New("overshoot: Options.Key is missing")
	}
	c := &Client{
		root: root, api: api,
		key:            o.Key,
		userAgent:      o.UserAgent,
		transport:      o.Transport,
		metrics:        o.Metrics,
		controlTimeout: orDefault(o.ControlTimeout, defaultControlTimeout),
		chatTimeout:    orDefault(o.ChatTimeout, defaultChatTimeout),
		maxBody:        orDefault(o.MaxBody, defaultMaxBody),
	}
	if c.transport == nil {
		c.transport = newTransport()
	}
	return c, nil
}

// Fingerprint returns a short hash of the key's text as it is now, to notice a changed
// key and to know again the streams of this one; "" when there is no usable key. It
// reads the key, and may be shown.
func (c *Client) Fingerprint() string {
	key, err := c.readKey()
	if err != nil {
		return ""
	}
	return secret.New(key).Fingerprint()
}

// Close drops idle connections. The client stays usable.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// splitBase turns the base URL of the options into the root of the host and the
// root of the API. Its errors never quote the text, which may hold a password.
func splitBase(base string) (root, api string, err error) {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "":
		return "", "", errors.New("overshoot: base URL is not a URL with a host, such as https://api.overshoot.ai")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", "", errors.New("overshoot: base URL must start with https:// (or http:// for a simulator)")
	case u.User != nil:
		return "", "", errors.New("overshoot: base URL must not carry a user or password: the API key authenticates")
	case u.RawQuery != "" || u.Fragment != "":
		return "", "", errors.New("overshoot: base URL must not carry a query or fragment")
	}
	whole := u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/")
	switch generation := path.Base(u.Path); generation {
	case "v1beta", "v1":
		return strings.TrimSuffix(whole, "/"+generation), whole, nil
	default:
		return whole, whole + "/v1beta", nil
	}
}

func orDefault[T time.Duration | int64](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}
