package file

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// A layout says which file a result goes to. What comes from results stays below folder, and below is confined to it by os.Root.
type layout struct {
	folder string // without variables
	name   string // path below it; may have variables
}

var variable = regexp.MustCompile(`\{[^{}]*\}`)

// parseLayout splits a path where its variables begin.
func parseLayout(path string) (layout, error) {
	for _, v := range variable.FindAllString(path, -1) {
		if v != "{camera}" && v != "{watch}" && v != "{date}" {
			return layout{}, fmt.Errorf("has the unknown variable %s; there are {camera}, {watch} and {date}", v)
		}
	}
	if strings.HasSuffix(path, "/") {
		return layout{}, errors.New("is a folder; add the name of a file, such as {camera}.jsonl")
	}
	first := strings.IndexByte(path, '{')
	if first < 0 {
		return layout{filepath.Dir(path), filepath.Base(path)}, nil
	}
	if slices.Contains(strings.Split(path[first:], "/"), "..") {
		return layout{}, errors.New("has .. after a variable; write it without")
	}
	name := strings.LastIndexByte(path[:first], '/') + 1
	return layout{filepath.Clean(path[:name]), filepath.Clean(path[name:])}, nil
}

// hasVariables tells whether results go to more than one file.
func (l layout) hasVariables() bool { return strings.Contains(l.name, "{") }

// file returns the path, below the folder, of the file for a result.
func (l layout) file(r result.Result) string {
	if !l.hasVariables() {
		return l.name
	}
	return strings.NewReplacer("{camera}", clean(r.Camera), "{watch}", clean(r.Watch), "{date}", r.Time.UTC().Format(time.DateOnly)).Replace(l.name)
}

// maxClean leaves room in a file name, 255 bytes at most, for what stands around it.
const maxClean = 100

// clean makes a name part of a file name: whatever is no letter, digit, dash, underscore or dot inside of it becomes %xx. So different names stay
// different, and none is a path, hidden, or something that a terminal or a shell obeys.
func clean(name string) string {
	var out strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		valid := r != utf8.RuneError || size > 1
		if valid && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.' && i > 0) {
			out.WriteString(name[i : i+size])
		} else {
			fmt.Fprintf(&out, "%%%02x", name[i:i+size])
		}
		i += size
	}
	if out.Len() == 0 {
		return "%" // a name that is none
	}
	if text := out.String(); out.Len() <= maxClean {
		return text
	}
	sum := sha256.Sum256([]byte(name))
	return strings.ToValidUTF8(out.String()[:maxClean-17], "") + "%" + hex.EncodeToString(sum[:8])
}
