package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/snapshot"
)

func TestWhereSnapshotsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	write(t, path, `
overshoot: {keys: [{name: main, key: ovs-one}]}
cameras: [{name: a, source: "rtsp://127.0.0.1:1/x"}]
sinks:
  screen: {type: stdout}
  first: {type: file, path: "/one/{camera}.jsonl", snapshots: {max_bytes: 1MiB, max_age: 1h}}
  beside: {type: file, path: /one/all.jsonl}
  second: {type: file, path: /two/r.jsonl}
`)
	plan, err := Load(path, config.Options{LookupEnv: os.LookupEnv, Hostname: "host"})
	if err != nil {
		t.Fatal(err)
	}
	one := snapshot.Folder{Sink: "first", Path: "/one", MaxBytes: 1 << 20, MaxAge: time.Hour}
	two := snapshot.Folder{Sink: "second", Path: "/two", MaxBytes: 256 << 20, MaxAge: 7 * 24 * time.Hour}
	for _, c := range []struct {
		sinks []string
		want  snapshot.Folder
	}{
		{[]string{"screen", "first", "second"}, one},
		{[]string{"second", "first"}, two},
		{[]string{"beside"}, one}, // one folder has one set of bounds
		{[]string{"screen", "gone"}, snapshot.Folder{}},
	} {
		if got, ok := plan.snapshotFolder(c.sinks); got != c.want || ok != (c.want.Path != "") {
			t.Errorf("%v: got %+v, %v", c.sinks, got, ok)
		}
	}
	if all := plan.snapshotFolders(); len(all) != 2 || all[0] != one || all[1] != two {
		t.Errorf("all are %+v", all)
	}
}
