package integration

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What probe says of cameras, by their addresses and by their names, and how it ends. No password comes out of it, wherever it stands.
func TestProbe(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "locked=360p30,modern=180p15:h265:says=h264")
	config := filepath.Join(t.TempDir(), configName)
	cameras := s.lockedCamera("locked", s.secrets.password, "counter") + s.lockedCamera("guess", s.secrets.wrong, "counter") +
		fmt.Sprintf("  - {name: strict, source: %q, transcode: never, watches: [counter]}\n", s.cameras["modern"])
	cameras = strings.ReplaceAll(cameras, `source: ""`, fmt.Sprintf("source: %q", s.cameras["locked"])) // of guess
	must(t, os.WriteFile(config, []byte(s.config(t.TempDir(), cameras, counterWatch)), 0o600))
	at := func(password string) string {
		return strings.Replace(s.cameras["locked"], "rtsp://", "rtsp://"+url.UserPassword(s.secrets.user, password).String()+"@", 1)
	}
	raw := strings.Replace(s.cameras["locked"], "rtsp://", "rtsp://"+s.secrets.user+":"+s.secrets.password+"@", 1)
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"by address", []string{at(s.secrets.password)}, 0, []string{"H.264", "640x360", "Digest", "TCP", "verdict: will be passed on as it is"}},
		{"by name", []string{"locked", "--config", config, "--duration", "2s"}, 0, []string{s.cameras["locked"], "watched for ", "will be passed on"}},
		{"of another codec", []string{s.cameras["modern"]}, 0, []string{"320x180", "the camera calls it H.264", "will be transcoded (H.265; encoder "}},
		{"that must not be transcoded", []string{"strict", "--config", config}, 1, []string{"cannot be used", "`transcode: never`"}},
		{"with a wrong password", []string{at(s.secrets.wrong)}, 1, []string{"cannot be used", "401", "check username and password"}},
		{"with a wrong password in the file", []string{"guess", "--config", config}, 1, []string{"cannot be used", "401"}},
		{"that is gone", []string{"rtsp://viewer:" + s.secrets.key("gone") + "@" + closedPort(t) + "/x"}, 1, []string{"connection refused", "check that the camera is on"}},
		{"with a raw password", []string{raw}, 64, []string{"%40"}},
		{"of another kind", []string{strings.Replace(at(s.secrets.password), "rtsp", "http", 1)}, 64, []string{"rtsp://"}},
		{"twice", []string{at(s.secrets.password), raw}, 64, []string{"unexpected argument"}},
		{"with a password in the wrong place", []string{at(s.secrets.password), "--duration", raw}, 64, []string{"--duration"}},
		{"with one in a flag", []string{at(s.secrets.password), "--duration=rtsp://" + s.secrets.user + ":" + s.secrets.wrong + "@host"}, 64, []string{"--duration"}},
		{"without its scheme", []string{strings.TrimPrefix(raw, "rtsp://"), "--config", config}, 64, []string{"no camera of that name; it has locked, guess, strict"}},
		{"without a file", []string{"locked"}, 64, []string{"--config"}},
		{"with a missing file", []string{"locked", "--config", config + ".gone"}, 78, []string{"does not exist"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, printed := runAgent(t, append([]string{"probe"}, c.args...)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(printed, want) {
					t.Errorf("it does not say %q:\n%s", want, printed)
				}
			}
			s.secrets.check(t, map[string]string{c.name: printed})
		})
	}
	t.Run("for machines", func(t *testing.T) {
		t.Parallel()
		for password, outcome := range map[string]string{s.secrets.password: "pass", s.secrets.wrong: "unusable"} {
			code, printed := runAgent(t, "probe", "--json", at(password))
			var report struct {
				Verdict struct{ Outcome string }
				Fault   struct{ Reason string }
				Video   *struct {
					Codec  string
					Width  int
					Frames struct {
						Pictures int `json:"interval_pictures"`
					} `json:"key_frames"`
				}
			}
			mustDecode(t, printed, &report)
			good := outcome == "pass"
			if report.Verdict.Outcome != outcome || good != (code == 0) || good != (report.Video != nil) || !good && report.Fault.Reason != "auth" {
				t.Errorf("exit code %d: %s", code, printed)
			}
			if v := report.Video; good && (v.Codec != "H.264" || v.Width != 640 || v.Frames.Pictures != 30) {
				t.Errorf("the video is %+v", v)
			}
			s.secrets.check(t, map[string]string{outcome: printed})
		}
	})
}
