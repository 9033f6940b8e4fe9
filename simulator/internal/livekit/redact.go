package livekit

import (
	"bytes"
	"io"
	"regexp"
	"sync"
)

// token matches a JSON Web Token. livekit-server writes those that it refuses into its log.
var token = regexp.MustCompile(`eyJ[\w-]+\.[\w-]*\.?[\w-]*`)

// A redactor passes on whole lines with the tokens taken out. It may be used by several goroutines.
type redactor struct {
	mutex sync.Mutex
	out   io.Writer
	line  []byte // what has come of the line in hand
}

// Write takes any piece of text. Errors of the writer behind are ignored: a log that cannot be written must not stop the server.
func (r *redactor) Write(text []byte) (int, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.line = append(r.line, text...)
	for {
		end := bytes.IndexByte(r.line, '\n')
		if end < 0 {
			return len(text), nil
		}
		_, _ = r.out.Write(token.ReplaceAll(r.line[:end+1], []byte("<token>")))
		r.line = r.line[end+1:]
	}
}
