//go:build !cgo || !(amd64 || arm64 || arm)

package openh264

import "errors"

// included tells whether the library is in this build.
const included = false

func open(int, int, int, float64) (coder, error) {
	return nil, errors.New("openh264 is not in this build of the agent")
}
