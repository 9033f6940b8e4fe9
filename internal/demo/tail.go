package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// An answer is a line of the result file: a CloudEvent, as package result writes it.
type answer struct {
	Time time.Time `json:"time"` // when the question was asked
	Data struct {
		Camera    string          `json:"camera"`
		Watch     string          `json:"watch"`
		StreamID  string          `json:"stream_id"`
		OK        bool            `json:"ok"`
		Result    json.RawMessage `json:"result"`
		Error     string          `json:"error"`
		LatencyMS int64           `json:"latency_ms"`
	} `json:"data"`
}

func (a answer) latency() time.Duration { return time.Duration(a.Data.LatencyMS) * time.Millisecond }

// A tail reads the lines that are appended to a file.
type tail struct {
	path   string
	offset int64 // of the first byte not yet read as part of a whole line
}

// tailOf starts at the present end of the file, which need not exist.
func tailOf(path string) *tail {
	t := &tail{path: path}
	if info, err := os.Stat(path); err == nil {
		t.offset = info.Size()
	}
	return t
}

// next returns the answers in the lines that were completed since the last time.
func (t *tail) next() ([]answer, error) {
	file, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(t.offset, io.SeekStart); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	t.offset += int64(len(data))
	var answers []answer
	for line := range bytes.Lines(data) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			return answers, fmt.Errorf("%s: a line that is not a result: %w", t.path, err)
		}
		answers = append(answers, a)
	}
	return answers, nil
}
