//go:build cgo && (amd64 || arm64 || arm)

// The library writes warnings to standard error, between the lines of the log, for which the agent promises JSON. Nothing that it offers turns
// that off from the beginning; so the linker (see quiet_cgo.go) puts this in the place of its function WelsLog, for calls from its other parts.
void __wrap__Z7WelsLogP13TagLogContextiPKcz(void *context, int level, const char *format, ...) {
	(void)context;
	(void)level;
	(void)format;
}
