package rooms

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// behind starts a server and a door before it; the server answers with the path it was asked for.
func behind(t *testing.T) (door *Door, address string, stop func()) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	door = NewDoor(target)
	front := httptest.NewServer(door)
	t.Cleanup(front.Close)
	return door, front.URL, server.Close
}

func status(t *testing.T, address, token string, inQuery bool) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/rtc", nil)
	if err != nil {
		t.Fatal(err)
	}
	if inQuery {
		request.URL.RawQuery = url.Values{"access_token": {token}}.Encode()
	} else {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestDoorKeepsOutVoidedTokens(t *testing.T) {
	door, address, stop := behind(t)
	door.Register("old", "room", true, time.Hour)
	door.Register("viewer", "room", false, time.Hour)
	door.Register("other", "elsewhere", true, time.Hour)
	door.Void("room")
	door.Register("new", "room", true, time.Hour)
	for _, inQuery := range []bool{false, true} {
		for token, want := range map[string]int{
			"old": http.StatusUnauthorized, "new": http.StatusOK, "viewer": http.StatusOK, "other": http.StatusOK,
			"refreshed-by-livekit": http.StatusOK,
		} {
			if got := status(t, address, token, inQuery); got != want {
				t.Errorf("token %s, in query %v: got %d, want %d", token, inQuery, got, want)
			}
		}
	}
	stop()
	if got := status(t, address, "new", false); got != http.StatusBadGateway {
		t.Errorf("with the server gone: got %d", got)
	}
}

func TestTokensExpireOnTimeAndAreForgottenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := NewDoor(&url.URL{})
		door.Register("token", "room", true, 30*time.Second)
		time.Sleep(30*time.Second - time.Nanosecond)
		if !door.opens("token") {
			t.Error("refused before its expiry")
		}
		time.Sleep(time.Nanosecond)
		if door.opens("token") {
			t.Error("let in after its expiry")
		}
		time.Sleep(leeway + time.Nanosecond)
		door.Register("next", "room", true, time.Second)
		if len(door.passes) != 1 {
			t.Errorf("%d tokens are remembered", len(door.passes))
		}
	})
}
