package encode

import (
	"context"
	"fmt"
	"io"

	"github.com/overshoot-ai/overshoot-agent/internal/child"
)

// Convert runs program, "ffmpeg" or a path to it, once: input goes to its standard input, and what comes out is returned, which may be most bytes
// long. The child is as well confined as those that transcode; it is killed when ctx ends, and the error is then the cause. Convert may return
// seconds later than that, where a driver hangs. scrub takes secrets out of what the program says.
func Convert(ctx context.Context, program string, args []string, input []byte, most int64, scrub func(string) string) (output []byte, err error) {
	path, err := child.Find(program)
	if err != nil {
		return nil, err
	}
	tooMuch := fmt.Errorf("it makes more than %d bytes", most)
	err = exchange(ctx, path, args, input, scrub, func(out io.Reader) (err error) {
		output, err = io.ReadAll(io.LimitReader(out, most+1))
		if int64(len(output)) > most {
			return tooMuch // and is killed for it
		}
		return err
	})
	switch {
	case err != nil && int64(len(output)) > most:
		return nil, tooMuch
	case err != nil:
		return nil, err
	}
	return output, nil
}
