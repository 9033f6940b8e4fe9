package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// login is what the sources of these tests have in common.
type login struct {
	URL      string        `yaml:"url"`
	Username string        `yaml:"username"`
	Password secret.Secret `yaml:"password"`
}

func decodeLogin(t *testing.T, s config.Section) login {
	t.Helper()
	var l login
	if err := s.Decode(&l); err != nil {
		t.Fatal(err)
	}
	return l
}

// transport is a type of a kind's own.
type transport string

func (t *transport) UnmarshalText(text []byte) error {
	if string(text) != "tcp" && string(text) != "udp" {
		return errors.New("write tcp or udp")
	}
	*t = transport(text)
	return nil
}

// settings has a field of every sort that a kind may use.
type settings struct {
	Text      string            `yaml:"text"`
	Flag      bool              `yaml:"flag"`
	Small     int8              `yaml:"small"`
	Port      uint16            `yaml:"port"`
	Rate      float64           `yaml:"rate"`
	Wait      config.Duration   `yaml:"wait"`
	Std       time.Duration     `yaml:"std"`
	Password  secret.Secret     `yaml:"password"`
	Transport transport         `yaml:"transport"`
	List      []string          `yaml:"list"`
	Headers   map[string]string `yaml:"headers"`
	Any       any               `yaml:"any"`
	Optional  *int              `yaml:"optional"`
	Nested    struct {
		Deep []struct {
			Name string `yaml:"name"`
		} `yaml:"deep"`
	} `yaml:"nested"`
	Untouched string
}

func section(t *testing.T, text string) config.Section {
	t.Helper()
	s, err := config.ParseSection("s.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDecodeEverySortOfField(t *testing.T) {
	got := settings{Text: "default", Untouched: "default", List: []string{"default"}}
	err := section(t, `
type: test
flag: true
small: -128
port: 65535
rate: 2.5e1
wait: 1h30m
std: 250ms
password: 0123
transport: udp
list: [a, 1, true]
headers: {X-A: b}
any: {a: [1, "2", true, null]}
optional: 0
nested: {deep: [{name: x}, {}]}
`).Decode(&got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Text != "default" || got.Untouched != "default" || !got.Flag || got.Small != -128 || got.Port != 65535 || got.Rate != 25 ||
		got.Wait != minutes(90) || got.Std != 250*time.Millisecond || got.Password.Reveal() != "0123" || got.Transport != "udp" ||
		strings.Join(got.List, " ") != "a 1 true" || got.Headers["X-A"] != "b" || got.Optional == nil || *got.Optional != 0 ||
		len(got.Nested.Deep) != 2 || got.Nested.Deep[0].Name != "x" {
		t.Errorf("%+v", got)
	}
	items := got.Any.(map[string]any)["a"].([]any)
	if items[0] != 1 || items[1] != "2" || items[2] != true || items[3] != nil {
		t.Errorf("any: %#v", got.Any)
	}
}

func TestDecodeReportsEverything(t *testing.T) {
	s := section(t, `
type: test
text:
small: 128
port: -1
rate: .nan
wait: 5
std: fast
password: {canary: canary}
transport: sctp
list: a
headers: [a]
optional: many
nested: {deep: [{nam: x}, y]}
untouched: x
`)
	const want = `s.yaml:3:1: text: found nothing; write a text, in quotes if it begins with # or another special character
s.yaml:4:8: small: the number "128" is out of range; write a whole number, for example 10
s.yaml:5:7: port: found "-1"; write a whole number that is not negative, for example 10
s.yaml:6:7: rate: found ".nan"; write a number, for example 0.5
s.yaml:7:7: wait: found the number "5" without a unit; write a duration with a unit, for example 500ms, 2s, 5m or 7d
s.yaml:8:6: std: found "fast"; write a duration with a unit, for example 500ms, 2s, 5m or 7d
s.yaml:9:1: password: found a mapping; write a text
s.yaml:10:12: transport: found "sctp"; write tcp or udp
s.yaml:11:7: list: found "a"; write a list, for example [a, b]
s.yaml:12:1: headers: found a list; write a mapping, for example {name: value}
s.yaml:13:11: optional: found "many"; write a whole number, for example 10
s.yaml:14:18: nested.deep[0].nam: unknown key; did you mean "name"?
s.yaml:14:27: nested.deep[1]: found "y"; write settings of the form "key: value", indented below
s.yaml:15:1: untouched: unknown key; known here: any, flag, headers, list, nested, optional, password, port, rate, small, std, text, transport, wait`
	for range 2 { // a section may be decoded again, with the same answer
		var got settings
		if err := s.Decode(&got); err == nil || err.Error() != want {
			t.Fatalf("got:\n%v\nwant:\n%s", err, want)
		}
	}
}

func TestSectionsKnowTheirPlace(t *testing.T) {
	s := section(t, "type: rtsp\nurl: rtsp://h/s\n")
	for key, want := range map[string]string{
		"url": "s.yaml:2:6: url: wrong", "type": "s.yaml:1:7: type: wrong", "missing": "s.yaml:1:1: missing: wrong",
	} {
		if got := s.Problemf(key, "%s", "wrong").Error(); got != want {
			t.Errorf("Problemf(%q) = %s, want %s", key, got, want)
		}
	}
	if s.Type != "rtsp" || s.Position() != "s.yaml:1:1" || !s.Has("url") || s.Has("type") || s.Has("missing") {
		t.Errorf("%+v at %s", s, s.Position())
	}
	var zero config.Section
	var l login
	if err := zero.Decode(&l); err != nil || zero.Position() != "" || zero.Has("url") || zero.Problemf("url", "missing").Error() != "url: missing" {
		t.Errorf("the zero section: %v", err)
	}
}

func TestSectionsOfShortAndLongFormAreEqual(t *testing.T) {
	source := func(text string) config.Section {
		c, _ := load(t, write(t, "c.yaml", strings.Replace(minimal, "rtsp://10.0.0.21/s", text, 1)), options())
		return c.Cameras[0].Source
	}
	for short, long := range map[string]string{
		"rtsp://10.0.0.21/s": "{type: rtsp, url: rtsp://10.0.0.21/s}",
		"/dev/video0":        "{type: v4l2, device: /dev/video0}",
		"/dev/v4l/by-id/usb": "{type: v4l2, device: /dev/v4l/by-id/usb}",
	} {
		if !source(short).Equal(source(long)) {
			t.Errorf("the forms of %s differ", short)
		}
	}
	if source("/dev/video0").Equal(config.Section{}) || !(config.Section{}).Equal(config.Section{}) {
		t.Error("only the zero section equals the zero section")
	}
}

func TestOneSecretMayStandForAList(t *testing.T) {
	for text, want := range map[string]string{"one": "one", "[one]": "one", "[one, two]": "one two", "[]": ""} {
		var got struct {
			Secret []secret.Secret `yaml:"secret"`
		}
		if err := section(t, "type: test\nsecret: "+text).Decode(&got); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, each := range got.Secret {
			all = append(all, each.Reveal())
		}
		if strings.Join(all, " ") != want {
			t.Errorf("%s: got %q", text, all)
		}
	}
}

func TestPathsCountFromTheFileOfTheSection(t *testing.T) {
	s, err := config.ParseSection("/etc/agent/c.yaml", "type: test")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"ca.pem": "/etc/agent/ca.pem", "../x": "/etc/x", "/x": "/x", "": ""} {
		if got := s.Path(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
	if got := (config.Section{}).Path("x"); got != "x" {
		t.Errorf("without a file: got %q", got)
	}
}
