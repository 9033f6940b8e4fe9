package livekit

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// knockTimeout leaves a slow network the time for a name, a connection and a certificate. It is short against joinTimeout, because a
// connection that was begun in a network that is down may be found again only seconds after the network is back.
const knockTimeout = 5 * time.Second

// knock asks whether anybody answers at the address of a room. Any answer will do, also one that refuses: no token is sent.
//
// It keeps joins away from a server that is frozen or unreachable. Such a server may find the request later, when we have long given it
// up and joined anew, and then lets the attempt that is dead throw out the session that lives.
func knock(ctx context.Context, room string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, knockTimeout, fmt.Errorf("nobody answered within %v", knockTimeout))
	defer cancel()
	// Below the path that the join itself will use, so that proxies send both to the same place.
	url := strings.TrimSuffix("http"+strings.TrimPrefix(room, "ws"), "/") + "/rtc/validate"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the address of the room: %w", err)
	}
	response, err := caller().Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return response.Body.Close()
}

// caller returns a client that goes the way of the SDK, by the same proxy if there is one, and keeps no connection.
func caller() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
