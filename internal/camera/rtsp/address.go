package rtsp

import (
	"net"
	"regexp"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

var schemes = regexp.MustCompile(`(?i)^([a-z]+://)+`) // cameras also write rtsp://rtsp://

// rebased returns the address that a camera names as the base of its media (Content-Base, or a control attribute), with the host under which we
// reached it: behind NAT it names one that means nothing here, some write what is no host at all, and ours has just worked. nil when even the
// path makes no sense.
func rebased(said string, asked *base.URL) *base.URL {
	path := strings.Trim(said, " \t\"<>")
	scheme := schemes.FindString(path)
	path = path[len(scheme):]
	host, rest, hasPath := strings.Cut(path, "/")
	switch {
	case strings.HasPrefix(path, "/"):
	case scheme != "" || strings.Contains(host, ":") || net.ParseIP(host) != nil || host == asked.Hostname():
		path = ""
		if hasPath {
			path = "/" + rest
		}
	default:
		path = "/" + path
	}
	return parsed(asked.Scheme+"://"+asked.Host+path, asked)
}

// redirected returns where a Location leads, nil when it makes no sense.
func redirected(location string, asked *base.URL) *base.URL {
	location = strings.Trim(location, " \t\"<>")
	scheme := schemes.FindString(location)
	rest := location[len(scheme):]
	switch {
	case strings.HasPrefix(rest, "/"):
		return rebased(rest, asked)
	case scheme == "":
		return parsed(asked.Scheme+"://"+rest, asked)
	}
	last := scheme[strings.LastIndex(strings.TrimSuffix(scheme, "://"), "/")+1:]
	return parsed(last+rest, asked)
}

// parsed parses an address and gives it the credentials of another.
func parsed(text string, asked *base.URL) *base.URL {
	text, _, _ = strings.Cut(text, "#")
	u, err := base.ParseURL(text)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	u.User = asked.User
	return u
}
