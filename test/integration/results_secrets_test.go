package integration

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// Whatever a far side says and does, what the agent shows to it is shown to nobody else: not in logs, pages, metrics, the spool or a dead letter.
func TestSinksKeepTheirSecrets(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	canary := func() string {
		text := "canary-" + rand.Text()
		o.s.secrets.add(text)
		return text
	}
	o.asks, o.every = 1, "500ms"
	o.addFile("archive", "")

	// Tells all that it was told, in its refusal.
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := httputil.DumpRequest(r, true)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write(text)
	}))
	t.Cleanup(echo.Close)
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Header.Get("X-Token")+".example"+r.URL.String(), http.StatusTemporaryRedirect)
	}))
	t.Cleanup(redirect.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()

	hook := func(name, base string) {
		key := make([]byte, 24)
		_, _ = rand.Read(key)
		signing := "whsec_" + base64.StdEncoding.EncodeToString(key)
		o.s.secrets.add(signing)
		with := strings.Replace(base, "://", "://viewer:"+url.QueryEscape(canary())+"@", 1) + "/" + canary() + "?token=" + canary()
		o.add(name, fmt.Sprintf("type: webhook, url: %q, secret: %q, headers: {X-Token: %q}", with, signing, canary()), "max_attempts: 1")
	}
	hook("echo", echo.URL)
	hook("redirect", redirect.URL)
	hook("closed", closed.URL)
	port := strings.TrimPrefix(closed.URL, "http://")
	o.add("broker", fmt.Sprintf("type: mqtt, url: %q, username: viewer, password: %q", "mqtt://"+port, canary()), "")
	o.add("socket", fmt.Sprintf("type: mqtt, url: %q, username: viewer, password: %q", "ws://"+strings.TrimPrefix(echo.URL, "http://")+"/"+canary(), canary()), "")

	a := o.start()
	for _, name := range []string{"redirect", "closed", "broker", "socket"} {
		a.waitPart("sink "+name, "sink", "failing")
	}
	eventually(t, "a dead letter", func() bool {
		return a.metric("overshoot_agent_spool_dead_letters", "sink", "echo") > 0
	})
	dead := string(bytes.Join(exportSpool(t, "--dead", "--state-dir", o.stateDir()), nil))
	if !strings.Contains(dead, "422") {
		t.Errorf("the dead letters are %q", dead)
	}
	o.s.secrets.check(t, map[string]string{"spool export --dead": dead})
	o.stop(a)
}
