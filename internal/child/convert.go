package child

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.uber.org/zap"
)

// Convert runs a program once: input goes to its standard input, and what comes out is returned, which may be most bytes long. It is killed when
// ctx ends, and the error is then the cause. Convert may return seconds later than that, where a driver hangs. scrub takes secrets out of what the
// program says.
func Convert(ctx context.Context, what Command, input []byte, most int64, scrub func(string) string) (output []byte, err error) {
	c, err := Start(what)
	if err != nil {
		return nil, err
	}
	tooMuch := fmt.Errorf("it makes more than %d bytes", most)
	said := Talk{Log: zap.NewNop(), Scrub: scrub}
	err = c.Converse(ctx,
		func(context.Context) error { return give(c.Stdin, input) },
		func(context.Context) (err error) {
			output, err = io.ReadAll(io.LimitReader(c.Stdout, most+1))
			if int64(len(output)) > most {
				return tooMuch // and is killed for it
			}
			return err
		},
		func(ctx context.Context) error { said.Listen(c.Stderr); c.Settle(ctx); return nil })
	switch {
	case int64(len(output)) > most:
		return nil, tooMuch
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case c.End() != nil && said.First() != "":
		return nil, errors.New(said.First()) // what follows are consequences
	case c.End() != nil:
		return nil, errors.New(c.Verdict())
	case err != nil:
		return nil, err
	}
	return output, nil
}

// give writes input and closes w. A child that reads no further says why in other ways.
func give(w io.WriteCloser, input []byte) error {
	_, _ = w.Write(input)
	return w.Close()
}
