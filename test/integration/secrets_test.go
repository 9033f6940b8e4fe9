package integration

import (
	"crypto/rand"
	"encoding/base64"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// jwt matches tokens whether or not we know them: LiveKit refreshes them inside a session. A token cut after its head counts as well.
var jwt = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{16,}[A-Za-z0-9_.-]*`)

// secrets are the canaries of one test: what must never come out of an agent again. It is safe for concurrent use.
type secrets struct {
	user, password string
	wrong          string // a password that the camera refuses

	mu    sync.Mutex
	keys  map[string]string
	known []string
}

// newSecrets makes fresh ones, with characters that are written differently in an address.
func newSecrets() *secrets {
	s := &secrets{user: "viewer", password: "p@ss/" + rand.Text(), wrong: "no&way " + rand.Text(), keys: map[string]string{}}
	for _, password := range []string{s.password, s.wrong} {
		s.add(password, base64.StdEncoding.EncodeToString([]byte(s.user+":"+password))) // as HTTP's and RTSP's Basic has it
	}
	return s
}

// key returns the API key of this name.
func (s *secrets) key(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[name] == "" {
		s.keys[name] = "ovs-" + rand.Text()
		s.known = append(s.known, s.keys[name])
	}
	return s.keys[name]
}

func (s *secrets) add(more ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = append(s.known, more...)
}

// tokens counts the LiveKit tokens that were handed out.
func (s *secrets) tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(s.known), func(known string) bool { return !jwt.MatchString(known) }))
}

// leaks names the secrets in text, without showing them whole.
func (s *secrets) leaks(text string) (found []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.known {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(text, form) {
				found = append(found, form[:8]+"…")
				break
			}
		}
	}
	for _, token := range jwt.FindAllString(text, -1) {
		found = append(found, token[:8]+"… (a token)")
	}
	return found
}

// check fails the test when one of the texts, by name, has a secret.
func (s *secrets) check(t *testing.T, texts map[string]string) {
	t.Helper()
	for name, text := range texts {
		for _, leak := range s.leaks(text) {
			at := strings.Index(text, strings.TrimSuffix(strings.TrimSuffix(leak, " (a token)"), "…"))
			t.Errorf("%s tells the secret %s near %q", name, leak, text[max(0, at-120):max(0, at)])
		}
	}
}

// filesBelow reads all files of a folder, except the configuration, which has the secrets because they were written there.
func filesBelow(t *testing.T, folder string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	must(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(path) == configName {
			return err
		}
		text, err := os.ReadFile(path)
		texts[path] = string(text)
		return err
	}))
	return texts
}

// The canaries would be worth nothing if the search did not find them.
func TestTheSearchForSecretsFindsThem(t *testing.T) {
	s := newSecrets()
	token := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
	s.add(token)
	for name, text := range map[string]string{
		"password": "rtsp://viewer:" + s.password + "@host", "escaped password": "rtsp://viewer:" + url.QueryEscape(s.password) + "@host",
		"key": "Bearer " + s.key("main"), "base64": base64.StdEncoding.EncodeToString([]byte(s.wrong)), "token": "?access_token=" + token,
		"unknown token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ4IjoxfQ.x",
	} {
		if len(s.leaks("before "+text+" after")) == 0 {
			t.Errorf("the %s was not found", name)
		}
	}
	if found := s.leaks("viewer, ovs://streams/x, {\"ok\":true}"); len(found) > 0 {
		t.Errorf("harmless text has the secrets %v", found)
	}
}
