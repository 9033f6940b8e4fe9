package livekit

import (
	"github.com/go-logr/zapr"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// TakeLogs hands what the SDK and its WebRTC stack say to log, for the whole process: the SDK has one logger for all rooms. Call it once,
// before the first Join. All of it becomes debug: it is talkative, and what matters we say ourselves.
func TakeLogs(log *zap.Logger) {
	quiet := log.Named("livekit").WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return debugCore{c} }))
	l := logger.LogRLogger(zapr.NewLogger(quiet))
	lksdk.SetLogger(l)
	logger.SetLogger(l, "livekit")
}

// debugCore lowers every entry to debug.
type debugCore struct{ zapcore.Core }

func (c debugCore) Enabled(zapcore.Level) bool { return c.Core.Enabled(zapcore.DebugLevel) }

func (c debugCore) With(fields []zapcore.Field) zapcore.Core { return debugCore{c.Core.With(fields)} }

func (c debugCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(e.Level) {
		return ce
	}
	return ce.AddCore(e, c)
}

func (c debugCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Level = zapcore.DebugLevel
	return c.Core.Write(e, fields)
}
