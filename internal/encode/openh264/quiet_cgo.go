//go:build cgo && (amd64 || arm64 || arm)

package openh264

// #cgo LDFLAGS: -Wl,--wrap=_Z7WelsLogP13TagLogContextiPKcz
import "C"
