// Package diskspace says how much of a disk the agent leaves to others, whatever it keeps there.
package diskspace

import "golang.org/x/sys/unix"

// minFree is what is left to others, or a twentieth of the disk if that is less, in bytes.
const minFree = 200 << 20

// Of returns, in bytes, how much is free on a disk for us, and how much of that is to be left.
func Of(disk unix.Statfs_t) (free, leave int64) {
	return int64(disk.Bavail) * int64(disk.Bsize), min(minFree, int64(disk.Blocks)*int64(disk.Bsize)/20)
}
