package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
)

// decodeSource returns the kind of source that the body of a create asks for. The errors are for the caller and never
// hold the URL, which may contain a password.
func decodeSource(body []byte) (string, error) {
	var request struct {
		Source *struct {
			Type string `json:"type"`
			URL  string `json:"url"`
		} `json:"source"`
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return stream.SourceLiveKit, nil
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return "", errors.New("the body is not a JSON object")
	}
	if request.Source == nil {
		return stream.SourceLiveKit, nil
	}
	schemes := map[string][]string{stream.SourceRTSP: {"rtsp", "rtsps"}, stream.SourceHLS: {"http", "https"}}
	allowed, known := schemes[request.Source.Type]
	if !known {
		return "", errors.New("source type is neither rtsp nor hls")
	}
	u, err := url.Parse(request.Source.URL)
	if err != nil || !slices.Contains(allowed, u.Scheme) || u.Hostname() == "" {
		return "", errors.New("source url does not fit the source type")
	}
	if !public(u.Hostname()) {
		return "", errors.New("source url must resolve to a public address")
	}
	return request.Source.Type, nil
}

// public tells whether a host may be pulled from. Names are not looked up, except that the local ones are known.
func public(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		address = address.Unmap()
		return address.IsGlobalUnicast() && !address.IsPrivate()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".local") && !strings.HasSuffix(host, ".localhost")
}
