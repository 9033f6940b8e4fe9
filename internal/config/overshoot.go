package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// apiV1Beta is the generation of the service's API that this version speaks.
const apiV1Beta = "v1beta"

// Overshoot is the service that answers, and the keys that pay for it.
type Overshoot struct {
	// API is the generation of the service's API. Default, and the only one so far: v1beta.
	API string `yaml:"api"`

	// BaseURL is scheme and host of the service, without a slash or an API version at the end: the client
	// appends /v1beta. Default: https://api.overshoot.ai.
	BaseURL string `yaml:"base_url"`

	// Keys are the API keys; at least one.
	Keys []Key `yaml:"keys"`
}

// check completes the section and reports what is wrong with it.
func (o *Overshoot) check(r *report, n *node) {
	switch o.API {
	case apiV1Beta:
	case "v1", "v0.2":
		r.key(n, "api", "%s is not supported by this version yet; write %s", o.API, apiV1Beta)
	default:
		oneOf(r, n, "api", o.API, apiV1Beta)
	}
	o.checkBaseURL(r, n)
	o.checkKeys(r, n)
}

func (o *Overshoot) checkBaseURL(r *report, n *node) {
	const example = "write one like https://api.overshoot.ai"
	parsed, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http":
		r.key(n, "base_url", "found no http or https URL; %s", example)
		return
	case parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		r.key(n, "base_url", "found a URL with more than host and path; %s, and the key under keys", example)
		return
	}
	if parsed.Scheme == "http" && !isLoopback(parsed.Hostname()) {
		r.warn(n, "base_url", "the API key travels unencrypted over http; write https")
	}
	o.BaseURL = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/"+apiV1Beta), "/")
}

func (o *Overshoot) checkKeys(r *report, n *node) {
	if len(o.Keys) == 0 {
		r.key(n, "keys", "no API key; write for example [{name: main, key_file: /etc/overshoot-agent/overshoot-key}]")
		return
	}
	list := n.get("keys").items
	first := map[string]*node{}
	for i := range o.Keys {
		o.Keys[i].check(r, list[i], i)
		unique(r, first, "key", o.Keys[i].Name, list[i])
	}
}

// isLoopback reports whether a host name is this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
