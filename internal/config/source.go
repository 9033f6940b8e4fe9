package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// credentialKeys may stand beside a `source` instead of inside it.
var credentialKeys = []string{"username", "password", "password_file"}

// secretFileKeys are the settings that every section may keep in a file: password_file for password, and so on.
var secretFileKeys = []string{"password", "secret", "token"}

// A shortForm is the kind of source that a text stands for, and the setting that it is.
type shortForm struct{ kind, setting string }

// shortForms maps the scheme of `source: scheme://…`.
var shortForms = map[string]shortForm{"rtsp": {"rtsp", "url"}, "rtsps": {"rtsp", "url"}}

// deviceForm is that of `source: /dev/video0`.
var deviceForm = shortForm{"v4l2", "device"}

var urlScheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]{0,15})://`)

// completeSource turns the short forms of a camera into the long one: a mapping with type, and credentials
// inside it. Files are only read for cameras that are ours.
func (l *loader) completeSource(camera *node, mine bool) {
	source := camera.get("source")
	if source != nil && source.kind == scalarKind {
		if source = l.longForm(source); source != nil {
			camera.take("source")
			camera.put("source", source)
		}
	}
	for _, key := range credentialKeys {
		value := camera.take(key)
		switch {
		case value == nil || source == nil || source.kind != mapKind:
		case source.get(key) != nil:
			l.report.at(value, "also stands inside the source; remove one of them")
		default:
			source.put(key, value)
		}
	}
	if mine && source != nil {
		l.completeSection(source)
	}
}

// longForm returns the mapping that a text as a source stands for, nil when it is none we know.
func (l *loader) longForm(source *node) *node {
	form, ok := l.shortForm(source)
	if !ok {
		return nil
	}
	long := &node{kind: mapKind, file: source.file, line: source.line, col: source.col, path: source.path}
	long.putText("type", form.kind, source)
	long.putText(form.setting, source.text, source)
	return long
}

func (l *loader) shortForm(source *node) (shortForm, bool) {
	if strings.HasPrefix(source.text, "/dev/") {
		return deviceForm, true
	}
	match := urlScheme.FindStringSubmatch(source.text)
	if match == nil {
		l.report.at(source, "found a text that is no URL; write one like rtsp://10.0.0.21:554/stream1, a device like /dev/video0, or a mapping with a type")
		return shortForm{}, false
	}
	scheme := strings.ToLower(match[1])
	form, known := shortForms[scheme]
	if !known {
		l.report.at(source, "found a URL that begins with %s://; the short form knows rtsp:// and rtsps://, other sources are mappings with a type", scheme)
	}
	return form, known
}

// completeSection brings the secrets of a section into one form: a `password_file` becomes the `password`
// it holds, and user and password inside a `url` become `username` and `password`. It remembers the secrets.
func (l *loader) completeSection(n *node) {
	if n.kind != mapKind {
		return
	}
	for _, key := range secretFileKeys {
		l.readSecretInto(n, key)
	}
	if url := n.get("url"); url != nil && url.kind == scalarKind {
		l.splitURL(n, url)
	}
	n.walk(l.rememberSecret)
}

// readSecretInto replaces key_file in n by key with the text of the file.
func (l *loader) readSecretInto(n *node, key string) {
	file := n.get(key + "_file")
	if file == nil || file.kind != scalarKind || file.reported {
		return
	}
	if n.get(key) != nil {
		l.report.at(file, "both %s and %s_file are given; remove one of them", key, key)
		return
	}
	value, err := secretIn(l.inputs.read(besides(n.file, file.text), maxSecretBytes))
	if err != nil {
		l.report.at(file, "%s %s", showPath(n.file, file.text), err)
		return
	}
	n.take(key + "_file")
	n.putText(key, value.Reveal(), file)
}

// splitURL moves the credentials of a URL into keys of their own, so that the URL can be shown.
func (l *loader) splitURL(n, url *node) {
	clean, username, password := secret.SplitUserinfo(url.text)
	if username != "" && n.get("username") != nil || !password.IsZero() && n.get("password") != nil {
		l.report.at(url, "user name or password stand in the URL and also beside it; remove them from the URL")
		return
	}
	url.text, url.raw = clean, clean
	if username != "" {
		n.putText("username", username, url)
	}
	if !password.IsZero() {
		n.putText("password", password.Reveal(), url)
	}
}

// rememberSecret keeps the value of a node for Secrets when it is one.
func (l *loader) rememberSecret(n *node) {
	if n.kind != scalarKind {
		return
	}
	found := secret.New(n.text)
	if !n.sensitive {
		_, _, found = secret.SplitUserinfo(n.text)
	}
	if !found.IsZero() && !slices.Contains(l.config.secrets, found) {
		l.config.secrets = append(l.config.secrets, found)
	}
}
