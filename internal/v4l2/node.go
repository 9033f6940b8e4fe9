package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Node is one video node of this machine.
type Node struct {
	Path  string   // where it can be opened: "/dev/video0"
	Links []string // names of it that stay when it is plugged in anew: those by-id first, then by-path. Where no udev makes links, those it would make
	Index int      // which of the nodes of its hardware: a webcam's pictures are mostly 0
	Info  Info     // where Err is not nil, only what the kernel says without the node being opened
	Why   Reason   // why it is no camera; empty for a camera
	Err   error    // of Unreachable: why it could not be opened; wraps the errno
}

// Camera reports whether the node delivers pictures that can be used as they come.
func (n Node) Camera() bool { return n.Why == "" }

// List lists the video nodes of this machine in the order of their numbers: cameras, and what was left out with the reason. It opens each of
// them for a moment, which does not disturb who uses them. It needs no udev. No nodes at all are no error.
func List() ([]Node, error) { return listBelow("/") }

// Scan is List without opening a node, which wakes cameras that sleep: of Info only Card and Driver are known, and Why is empty.
func Scan() ([]Node, error) { return scan("/") }

func listBelow(root string) ([]Node, error) {
	nodes, err := scan(root)
	for i := range nodes {
		nodes[i].ask()
	}
	return nodes, err
}

// ask opens the node and finds out what it is.
func (n *Node) ask() {
	d, err := Open(n.Path)
	if err != nil {
		n.Why, n.Err = Unreachable, err
		return
	}
	defer d.Close()
	n.Info = d.Info()
	formats, _ := d.Formats(Capture) // a node without this side has none
	n.Why = Judge(n.Info, formats)
}

// Resolve finds the node that a path means. A path that exists is returned as it is; one of /dev/v4l that does not is looked for among the
// names that udev would give, so that it also works where there is no udev, and before udev has made it. ENOENT: nothing has this name now.
func Resolve(path string) (string, error) { return resolveBelow("/", path) }

func resolveBelow(root, path string) (string, error) {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, unix.ENOENT) {
		return path, err
	}
	if strings.HasPrefix(path, filepath.Join(root, linksFolder)) {
		nodes, _ := scan(root)
		for _, n := range nodes {
			if slices.Contains(n.Links, path) {
				return n.Path, nil
			}
		}
	}
	return "", fmt.Errorf("finding %s: %w", path, unix.ENOENT)
}

// classFolder is where the kernel lists all video nodes, and radios, sensors and teletext with them.
const classFolder = "sys/class/video4linux"

// scan reads what the kernel says of video nodes in sysfs, without opening one.
func scan(root string) ([]Node, error) {
	entries, err := os.ReadDir(filepath.Join(root, classFolder))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listing video devices: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !isVideo(e.Name()) })
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(number(a.Name()), number(b.Name())) })
	links := readLinks(root)
	var nodes []Node
	for _, e := range entries {
		h := hardware{root: root, folder: filepath.Join(root, classFolder, e.Name())}
		n := Node{Path: h.path(e.Name()), Index: h.index(), Info: Info{Card: h.text("name"), Driver: h.driver()}}
		n.Links = links.of(n.Path, h)
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// isVideo tells whether a node has the name of one with pictures.
func isVideo(name string) bool {
	digits, ok := strings.CutPrefix(name, "video")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// number is that of a node: 10 comes behind 9.
func number(name string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(name, "video"))
	return n
}
