package app

import (
	"io"
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// NewLog returns the log: for people on a terminal, JSON elsewhere. All of it passes the scrubber, the last line of defence for secrets
// in the words of others.
func NewLog(to *os.File, c config.Log, scrubber *secret.Scrubber) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, err
	}
	people := c.Format == "console" || (c.Format == "auto" && isTerminal(to))
	return zap.New(zapcore.NewCore(encoder(people), zapcore.Lock(zapcore.AddSync(scrubber.Writer(to))), level)), nil
}

func encoder(people bool) zapcore.Encoder {
	if people {
		e := zap.NewDevelopmentEncoderConfig()
		e.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		e.EncodeLevel = zapcore.CapitalColorLevelEncoder
		return zapcore.NewConsoleEncoder(e)
	}
	e := zap.NewProductionEncoderConfig()
	e.TimeKey, e.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	e.EncodeDuration = zapcore.StringDurationEncoder
	return zapcore.NewJSONEncoder(e)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
