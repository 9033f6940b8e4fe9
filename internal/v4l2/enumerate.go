package v4l2

import (
	"errors"

	"golang.org/x/sys/unix"
)

// endless is where an enumeration stops that no driver ends.
const endless = 1024

// enumerate asks for one entry after the other until the driver says that there are no more. Nothing at all is the driver's error only when it
// is another than that.
func enumerate[T any](d *Device, r request, ask func(index uint32) *T, take func(*T)) error {
	for i := range uint32(endless) {
		entry := ask(i)
		if err := call(d, r, entry); err != nil {
			if errors.Is(err, unix.EINVAL) {
				return nil
			}
			return err
		}
		take(entry)
	}
	return nil
}
