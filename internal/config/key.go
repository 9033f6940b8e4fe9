package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// maxSecretBytes bounds a file with a single secret; the longest in use are tokens of a few kilobytes.
const maxSecretBytes = 64 << 10

// Key is one API key with the streams it may have. Exactly one of Key and KeyFile is set.
type Key struct {
	// Name appears in logs, metrics and results instead of the key. Default: key-1, key-2, … by position.
	Name string `yaml:"name"`

	// Key is the key itself, best given as ${VARIABLE}.
	Key secret.Secret `yaml:"key"`

	// KeyFile is a file holding nothing but the key. A relative path counts from the folder of the
	// configuration; after loading it is the path to open.
	KeyFile string `yaml:"key_file"`

	// MaxStreams is how many streams the key may have at once. Default: 5, the service's own limit.
	MaxStreams int `yaml:"max_streams"`
}

func defaultKey() Key { return Key{MaxStreams: 5} }

// unmarshalNode sets the defaults of one list item before decoding it.
func (k *Key) unmarshalNode(d *decoder, n *node) {
	type plain Key
	*k = defaultKey()
	d.into(n, (*plain)(k))
}

// Read returns the key. A key file is read anew at each call, so that a rotated key is found; the error
// says what to do and never holds what the file holds.
func (k Key) Read() (secret.Secret, error) {
	if k.KeyFile == "" {
		return k.Key, nil
	}
	value, err := readSecretFile(k.KeyFile)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("key %q: %s %w", k.Name, k.KeyFile, err)
	}
	if err := checkKeyText(value); err != nil {
		return secret.Secret{}, fmt.Errorf("key %q: %s: %w", k.Name, k.KeyFile, err)
	}
	return value, nil
}

func (k *Key) check(r *report, n *node, index int) {
	if k.Name == "" {
		k.Name = fmt.Sprintf("key-%d", index+1)
	}
	checkName(r, n, "name", k.Name)
	if k.MaxStreams < 1 {
		r.key(n, "max_streams", "found %d; write 1 or more", k.MaxStreams)
	}
	inline, file := n.get("key") != nil, n.get("key_file") != nil
	switch {
	case inline && file:
		r.key(n, "key_file", "both key and key_file are given; remove one of them")
	case !inline && !file:
		r.at(n, "neither key nor key_file is given; write key_file: with the path of a file that holds the API key")
	case inline:
		if err := checkKeyText(k.Key); err != nil {
			r.key(n, "key", "%s", err)
		}
	default:
		k.checkFile(r, n)
	}
}

func (k *Key) checkFile(r *report, n *node) {
	if k.KeyFile == "" {
		r.key(n, "key_file", "found an empty path; write the path of a file that holds the API key")
		return
	}
	shown := showPath(n.file, k.KeyFile)
	k.KeyFile = besides(n.file, k.KeyFile)
	value, err := readSecretFile(k.KeyFile)
	if err != nil {
		r.key(n, "key_file", "%s %s", shown, err)
		return
	}
	if err := checkKeyText(value); err != nil {
		r.key(n, "key_file", "%s: %s", shown, err)
		return
	}
	if readableByAll(k.KeyFile) {
		r.warn(n, "key_file", "every user of this machine can read the API key; restrict it with chmod 600")
	}
}

// checkKeyText refuses what cannot travel in an HTTP header.
func checkKeyText(key secret.Secret) error {
	text := key.Reveal()
	if text == "" {
		return errors.New("the API key is empty; write the key that the Overshoot console shows")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r < '!' || r > '~' }) {
		return errors.New("the API key holds a space, a line break or a special character; write nothing but the key")
	}
	return nil
}

// readSecretFile returns the text of a file without the white space around it. The error completes a
// sentence that begins with the name of the file.
func readSecretFile(path string) (secret.Secret, error) {
	return secretIn(readLimited(path, maxSecretBytes))
}

// secretIn makes a secret of what reading a file gave.
func secretIn(text []byte, err error) (secret.Secret, error) {
	if errors.Is(err, errTooLarge) {
		return secret.Secret{}, fmt.Errorf("is larger than %d KiB; write nothing but the secret into it", maxSecretBytes>>10)
	}
	if err != nil {
		return secret.Secret{}, err
	}
	value := secret.New(strings.TrimSpace(string(text)))
	if value.IsZero() {
		return secret.Secret{}, errors.New("is empty; write the secret into it")
	}
	return value, nil
}

// readableByAll reports whether every user may read the file. Container secrets are mounted that way on
// purpose, for a machine without other users.
func readableByAll(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o004 != 0 && !strings.HasPrefix(path, "/run/secrets/")
}
