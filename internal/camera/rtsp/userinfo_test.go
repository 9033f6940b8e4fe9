package rtsp

import (
	"net/url"
	"strings"
	"testing"
)

func TestSplitUserinfo(t *testing.T) {
	for _, tc := range []struct{ in, without, user, password string }{
		{"rtsp://cam/1", "rtsp://cam/1", "", ""},
		{"rtsp://admin:secret@cam/1", "rtsp://cam/1", "admin", "secret"},
		{"rtsp://admin:p@ss:w#rd@cam:554/1", "rtsp://cam:554/1", "admin", "p@ss:w#rd"},
		{"rtsp://admin:p%40ss@cam/1", "rtsp://cam/1", "admin", "p@ss"},
		{"rtsp://admin:100%@cam/1", "rtsp://cam/1", "admin", "100%"},
		{"rtsp://admin:a/b@cam/1", "rtsp://admin:a/b@cam/1", "", ""}, // could as well be host admin, path b@cam: parsing refuses it
		{"rtsp://admin@cam/1", "rtsp://cam/1", "admin", ""},
		{"rtsp://cam/user@home", "rtsp://cam/user@home", "", ""},
		{"cam/1", "cam/1", "", ""},
	} {
		without, user, password := splitUserinfo(tc.in)
		if without != tc.without || user != tc.user || password != tc.password {
			t.Errorf("%s: got %q %q %q, want %q %q %q", tc.in, without, user, password, tc.without, tc.user, tc.password)
		}
	}
}

func FuzzSplitUserinfoKeepsNoPassword(f *testing.F) {
	f.Add("hunter2")
	f.Add("p@ss:w#rd%2")
	f.Fuzz(func(t *testing.T, password string) {
		if strings.Contains(password, "/") || len(password) < 8 {
			return
		}
		without, _, _ := splitUserinfo("rtsp://admin:" + password + "@cam.example:554/stream")
		if strings.Contains(without, password) {
			t.Fatalf("the address still has the password: %q", without)
		}
		if u, err := url.Parse(without); err != nil || place(u) != "rtsp://cam.example:554/stream" {
			t.Fatalf("the address changed: %q, %v", without, err)
		}
	})
}
