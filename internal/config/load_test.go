package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// load returns the configuration of a file that must be right, with its warnings.
func load(t *testing.T, path string, opts config.Options) (*config.Config, []config.Warning) {
	t.Helper()
	cfg, warnings, err := config.Load(path, opts)
	if err != nil {
		t.Fatalf("Load(%s):\n%v", path, err)
	}
	return cfg, warnings
}

// minimal is a configuration with nothing but what is required; cameras go to its end.
const minimal = `
overshoot: {keys: [{key: ovs-0123456789}]}
watches: {people: {prompt: q, model: m, every: 2s, sinks: [archive]}}
sinks: {archive: {type: file, path: results.jsonl}}
cameras:
  - {name: door, source: rtsp://10.0.0.21/s, watches: [people]}
`

func TestDefaults(t *testing.T) {
	cfg, warnings := load(t, write(t, "c.yaml", minimal), options())
	if len(warnings) != 0 {
		t.Errorf("warnings: %v", warnings)
	}
	want := config.Default()
	if cfg.Agent.Name != "nvr-01" || cfg.Status != want.Status || cfg.StateDir != want.StateDir || cfg.Log != want.Log ||
		cfg.Rotate != (config.Rotate{}) || cfg.OnShutdown != config.ShutdownRelease || cfg.WatchConfig {
		t.Errorf("loaded %+v, default %+v", cfg, want)
	}
	if cfg.Overshoot.API != "v1beta" || cfg.Overshoot.BaseURL != "https://api.overshoot.ai" {
		t.Errorf("overshoot: %+v", cfg.Overshoot)
	}
	if key := cfg.Overshoot.Keys[0]; key.Name != "key-1" || key.MaxStreams != 5 || key.Key != secret.New("ovs-0123456789") {
		t.Errorf("key: %+v", key)
	}
	camera := cfg.Cameras[0]
	if !camera.Enabled || camera.Priority != 0 || camera.Hold != minutes(2) || camera.StallAfter != seconds(5) ||
		camera.Transcode != config.TranscodeAuto || camera.MaxHeight != 720 {
		t.Errorf("camera: %+v", camera)
	}
	watch, ok := cfg.Watch("people")
	if !ok || watch.Look != (config.Look{Frame: true}) || watch.MaxTokens != 128 || watch.Timeout != seconds(30) ||
		watch.Temperature != nil || !watch.Schema.IsZero() {
		t.Errorf("watch: %+v", watch)
	}
	if _, ok := cfg.Watch("cars"); ok {
		t.Error("there is a watch that nobody defined")
	}
	if sink, ok := cfg.Sink("archive"); !ok || sink.Section.Type != "file" {
		t.Errorf("sink: %+v", sink)
	}
}

func seconds(n int) config.Duration { return config.Duration(time.Duration(n) * time.Second) }
func minutes(n int) config.Duration { return seconds(60 * n) }

func TestEverySetting(t *testing.T) {
	cfg, _ := load(t, write(t, "c.yaml", `
agent: {name: site-7}
overshoot: {base_url: "https://overshoot.lan:8443/api/v1beta/", keys: [{name: a, key: k1, max_streams: 2}, {key: k2}]}
cameras:
  - name: door
    source: {type: v4l2, device: /dev/video0}
    enabled: false
    priority: -3
    hold: 0s
    stall_after: 1m30s
    transcode: never
    max_height: 0
    labels: {site: hq, floor: 3, open: true}
    watches: [clip]
watches:
  clip:
    prompt: "$${not} a ${WORD} ${NOT_SET:-or} ${EMPTY:-default}"
    system: Be brief.
    model: m
    fallback: [n, o]
    every: 1d12h
    look: {last: 5s, max_fps: 2.5}
    max_tokens: 7
    temperature: 0
    timeout: 1m
    schema: {type: object, properties: {b: {maximum: 10}, a: {enum: [x, 2, 2.5, true, null, "3", 2026-01-01]}}}
    sinks: [archive]
sinks: {archive: {type: file}}
rotate: {dwell: 90s}
on_shutdown: keep
watch_config: true
status: {listen: "[::1]:0"}
state_dir: /tmp/state
log: {level: debug, format: json}
`), options())
	if cfg.Agent.Name != "site-7" || cfg.Status.Listen != "[::1]:0" || cfg.StateDir != "/tmp/state" || cfg.Log != (config.Log{Level: "debug", Format: "json"}) {
		t.Errorf("%+v", cfg)
	}
	if cfg.Rotate.Dwell != seconds(90) || cfg.OnShutdown != config.ShutdownKeep || !cfg.WatchConfig {
		t.Errorf("rotate %+v, on_shutdown %s, watch_config %v", cfg.Rotate, cfg.OnShutdown, cfg.WatchConfig)
	}
	if cfg.Overshoot.BaseURL != "https://overshoot.lan:8443/api" {
		t.Errorf("the client appends /v1beta to %s", cfg.Overshoot.BaseURL)
	}
	if keys := cfg.Overshoot.Keys; keys[0].MaxStreams != 2 || keys[1].Name != "key-2" || keys[1].MaxStreams != 5 {
		t.Errorf("keys: %+v", keys)
	}
	camera := cfg.Cameras[0]
	wantLabels := map[string]string{"site": "hq", "floor": "3", "open": "true"}
	if camera.Enabled || camera.Priority != -3 || camera.Hold != 0 || camera.StallAfter != seconds(90) ||
		camera.Transcode != config.TranscodeNever || camera.MaxHeight != 0 || !reflect.DeepEqual(camera.Labels, wantLabels) {
		t.Errorf("camera: %+v", camera)
	}
	watch := cfg.Watches[0]
	if watch.Prompt != "${not} a canary or default" || watch.System != "Be brief." || !slices.Equal(watch.Fallback, []string{"n", "o"}) ||
		watch.Every != seconds(36*3600) || watch.Look != (config.Look{Last: seconds(5), MaxFPS: 2.5}) || watch.MaxTokens != 7 ||
		watch.Temperature == nil || *watch.Temperature != 0 || watch.Timeout != minutes(1) {
		t.Errorf("watch: %+v", watch)
	}
	const schema = `{"properties":{"a":{"enum":["x",2,2.5,true,null,"3","2026-01-01"]},"b":{"maximum":10}},"type":"object"}`
	if watch.Schema.JSON != schema || watch.Schema.Map["type"] != "object" {
		t.Errorf("schema: %s", watch.Schema.JSON)
	}
}

func TestRotateStandsForItsDefaults(t *testing.T) {
	for text, want := range map[string]config.Duration{
		"":                       0,
		"rotate:\n":              minutes(1),
		"rotate: {}\n":           minutes(1),
		"rotate: {dwell: 10s}\n": seconds(10),
	} {
		if cfg, _ := load(t, write(t, "c.yaml", text+minimal), options()); cfg.Rotate.Dwell != want {
			t.Errorf("%q: dwell %s, want %s", text, cfg.Rotate.Dwell, want)
		}
	}
}

func TestStateDirectoryOfSystemd(t *testing.T) {
	path := write(t, "c.yaml", minimal)
	opts := config.Options{Hostname: "h", LookupEnv: func(name string) (string, bool) {
		return "/var/lib/other:/var/lib/second", name == "STATE_DIRECTORY"
	}}
	if cfg, _ := load(t, path, opts); cfg.StateDir != "/var/lib/other" {
		t.Errorf("StateDir = %s", cfg.StateDir)
	}
}

func TestIncludedFilesAreMergedInOrder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.yaml":        "include: [cameras.d/*.yaml, cameras.d/a.yaml]\n" + minimal,
		"cameras.d/b.yaml": "cameras:\n  - {name: b, source: rtsp://b/s, watches: [people]}\n",
		"cameras.d/a.yaml": "cameras:\n  - {name: a, source: rtsp://a/s, watches: [cars], password_file: a.secret}\n" +
			"watches: {cars: {prompt: q, model: m, every: 2s, sinks: [pager]}}\nsinks: {pager: {type: webhook}}\n",
		"cameras.d/a.secret": "  from a file\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, warnings := load(t, filepath.Join(dir, "main.yaml"), options())
	var names []string
	for _, c := range cfg.Cameras {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "door a b" || len(cfg.Watches) != 2 || len(cfg.Sinks) != 2 || len(warnings) != 0 {
		t.Errorf("cameras %s, watches %v, sinks %v, warnings %v", got, cfg.Watches, cfg.Sinks, warnings)
	}
	if want := filepath.Join(dir, "cameras.d/a.yaml") + ":2:5"; cfg.Cameras[1].Position != want {
		t.Errorf("camera a stands at %s, want %s", cfg.Cameras[1].Position, want)
	}
	if got := decodeLogin(t, cfg.Cameras[1].Source).Password.Reveal(); got != "from a file" {
		t.Errorf("password_file of an included file gives %q", got)
	}
}

func TestCamerasOfOtherAgentsAreSkipped(t *testing.T) {
	path := write(t, "c.yaml", minimal+`
  - {name: twin, source: rtsp://a/s, watches: [people], agents: ["nvr-0?", other]}
  - {name: twin, source: "rtsp://${ONLY_THERE}/s", password_file: /only/there, watches: [people], agents: [nvr-1*]}
`)
	cfg, warnings := load(t, path, options())
	if len(cfg.Cameras) != 2 || cfg.Cameras[1].Name != "twin" || len(cfg.Skipped) != 1 || cfg.Skipped[0].Name != "twin" || len(warnings) != 0 {
		t.Errorf("cameras %v, skipped %v, warnings %v", cfg.Cameras, cfg.Skipped, warnings)
	}
	_, _, err := config.Load(path, config.Options{Hostname: "nvr-11"})
	if err == nil || !strings.Contains(err.Error(), "ONLY_THERE") || !strings.Contains(err.Error(), "/only/there") {
		t.Errorf("on the other agent: %v", err)
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	cfg, warnings := load(t, write(t, "c.yaml", `
x-camera: &camera
  watches: [people]
  hold: 10s
`+minimal+`
  - {<<: *camera, name: a, source: rtsp://a/s}
  - {<<: [*camera], name: b, source: rtsp://b/s, hold: 20s}
`), options())
	if a, b := cfg.Cameras[1], cfg.Cameras[2]; a.Hold != seconds(10) || b.Hold != seconds(20) || len(b.Watches) != 1 || len(warnings) != 0 {
		t.Errorf("%+v %+v %v", a, b, warnings)
	}
}

func TestAgentWithoutAnyName(t *testing.T) {
	_, _, err := config.Load(write(t, "c.yaml", minimal), config.Options{})
	if err == nil || !strings.Contains(err.Error(), "agent.name: the agent has no name and the machine has no host name") {
		t.Errorf("Load: %v", err)
	}
}
