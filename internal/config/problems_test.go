package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

var update = flag.Bool("update", false, "write the messages as they are into testdata/problems/*.txt")

// environment is what the files in testdata may refer to.
func environment(name string) (string, bool) {
	value, set := map[string]string{
		"EMPTY": "", "WORD": "canary", "NUMBER": "120", "CANARY": "canary",
		"FRONT_DOOR_PASSWORD": "canary: #1 {x}", "DOCK_PASSWORD": "0123",
	}[name]
	return value, set
}

func options() config.Options {
	return config.Options{LookupEnv: environment, Hostname: "nvr-01"}
}

// TestProblems compares, for each file in testdata/problems, what Load says with the .txt file beside it.
// Wherever the YAML holds a secret it is the word canary, which no message may contain.
func TestProblems(t *testing.T) {
	t.Chdir("testdata/problems")
	makePublicKeyFile(t)
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			got := messages(config.Load(file, options()))
			if strings.Contains(got, "canary") {
				t.Errorf("a secret is in the messages:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("messages of %s:\n%s\nwant:\n%s", file, got, want)
			}
		})
	}
}

// makePublicKeyFile makes the key file of warnings.yaml: git keeps no such permissions.
func makePublicKeyFile(t *testing.T) {
	t.Helper()
	const name = "readable-by-all.key"
	if err := os.WriteFile(name, []byte("canary-from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(name) })
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
}

func messages(_ *config.Config, warnings []config.Warning, err error) string {
	var out strings.Builder
	if err != nil {
		out.WriteString(err.Error() + "\n")
	}
	for _, warning := range warnings {
		out.WriteString("warning: " + warning.String() + "\n")
	}
	return out.String()
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, 4<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{filepath.Join(dir, "none.yaml"), "/none.yaml: does not exist; check the path, or create the file"},
		{dir, ": is a folder; write the path of a file"},
		{big, "/big.yaml: is larger than 4 MiB; split it with include"},
	}
	for _, test := range tests {
		cfg, _, err := config.Load(test.path, options())
		if cfg != nil || err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("Load(%s) = %v, %v", test.path, cfg, err)
		}
	}
}

func TestProblemsAreFoundByErrorsAs(t *testing.T) {
	t.Chdir("testdata/problems")
	_, _, err := config.Load("duplicates.yaml", options())
	all, ok := errors.AsType[config.Problems](err)
	if !ok || len(all) < 2 {
		t.Fatalf("Load returned %v", err)
	}
	one, ok := errors.AsType[config.Problem](err)
	if !ok || one != all[0] || one.Line == 0 || one.Key == "" {
		t.Errorf("the first problem is %+v", one)
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	path := write(t, "many.yaml", strings.Repeat("? [a]\n: b\n", 60))
	_, _, err := config.Load(path, options())
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 51 || !strings.HasSuffix(lines[50], "more problems") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

// write makes a file in a folder of its own and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
