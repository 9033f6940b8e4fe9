package v4l2

import (
	"os"
	"path/filepath"
	"strings"
)

// names are the links that udev would make for a node (its rules 60-persistent-v4l, with usb_id and path_id): by-id for what is on USB, by-path
// for everything whose place is known. A camera then has a name that stays where there is no udev, as in a container.
func (h hardware) names() []string {
	if !h.has("index") {
		return nil
	}
	end := "-video-index" + h.text("index")
	var names []string
	above := h.above()
	if id := usbID(above); id != "" {
		names = append(names, filepath.Join(h.root, linksFolder, "by-id", "usb-"+id+end))
	}
	if place := placeOf(above); place != "" {
		names = append(names, filepath.Join(h.root, linksFolder, "by-path", place+end))
	}
	return names
}

// above are the devices that a node hangs on, from the nearest to the farthest, without folders that only group others.
func (h hardware) above() []hardware {
	folder, err := filepath.EvalSymlinks(h.folder)
	if err != nil {
		return nil
	}
	var all []hardware
	for end := filepath.Join(h.root, "sys/devices"); strings.HasPrefix(filepath.Dir(folder), end+"/"); {
		folder = filepath.Dir(folder)
		if device := (hardware{root: h.root, folder: folder}); device.subsystem() != "" {
			all = append(all, device)
		}
	}
	return all
}

// subsystem is what kind of thing a device is; empty for what is no device.
func (h hardware) subsystem() string {
	target, err := os.Readlink(filepath.Join(h.folder, "subsystem"))
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// usbID is maker, product and serial number, empty for what is not on USB.
func usbID(above []hardware) string {
	for _, h := range above {
		if h.subsystem() != "usb" || !h.has("idVendor") {
			continue
		}
		parts := []string{orElse(h.text("manufacturer"), h.text("idVendor")), orElse(h.text("product"), h.text("idProduct"))}
		if serial := h.text("serial"); printable(serial) {
			parts = append(parts, serial)
		}
		for i := range parts {
			parts[i] = fileName(parts[i])
		}
		return strings.Join(parts, "_")
	}
	return ""
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// printable reports whether udev would take this as a serial number.
func printable(serial string) bool {
	return serial != "" && !strings.ContainsFunc(serial, func(r rune) bool { return r < ' ' || r > 0x7f || r == ',' })
}

// fileName is a text that others wrote as udev makes a file name of it: blanks become one underscore, and what is neither letter, digit nor
// harmless another one.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r > 0x7f && r != '\uFFFD', strings.ContainsRune("#+-.:=@_", r):
			return r
		}
		return '_'
	}, strings.Join(strings.Fields(text), "_"))
}

// placeOf is where a node is plugged in, from the board outwards: "pci-0000:00:14.0-usb-0:1.2:1.0". Of several devices of one kind in a row, as
// hubs, only the nearest has a part in the name.
func placeOf(above []hardware) string {
	place, last := "", ""
	for _, h := range above {
		kind, name := h.subsystem(), filepath.Base(h.folder)
		if kind == last {
			continue
		}
		last = kind
		switch kind {
		case "usb":
			_, port, _ := strings.Cut(name, "-")
			name = "0:" + port
		case "pci", "platform", "acpi":
		default:
			continue
		}
		place = strings.TrimSuffix(kind+"-"+name+"-"+place, "-")
	}
	return place
}
