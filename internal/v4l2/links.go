package v4l2

import (
	"os"
	"path/filepath"
	"slices"
)

// linksFolder is where udev makes names of nodes that stay.
const linksFolder = "dev/v4l"

// links are the names of nodes, by the node that they lead to.
type links map[string][]string

// readLinks finds those that udev made: by-id, then by-path.
func readLinks(root string) links {
	l := make(links)
	for _, folder := range []string{"by-id", "by-path"} {
		found, _ := filepath.Glob(filepath.Join(root, linksFolder, folder, "*"))
		for _, link := range found {
			if target, err := os.Readlink(link); err == nil {
				node := filepath.Join(root, "dev", filepath.Base(target))
				l[node] = append(l[node], link)
			}
		}
	}
	return l
}

// of is what a node is called: by udev's links, or where udev made none by those that it would make, as long as no other has them.
func (l links) of(path string, h hardware) []string {
	if len(l[path]) == 0 {
		l[path] = slices.DeleteFunc(h.names(), l.taken)
	}
	return l[path]
}

func (l links) taken(name string) bool {
	for _, names := range l {
		if slices.Contains(names, name) {
			return true
		}
	}
	return false
}
