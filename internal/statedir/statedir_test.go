package statedir_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/statedir"
)

// asHolder names the variable that makes this test binary a process that takes the folder and keeps it until it is killed.
const asHolder = "STATEDIR_TEST_HOLDS"

func TestMain(m *testing.M) {
	if path := os.Getenv(asHolder); path != "" {
		_, err := statedir.Open(path)
		fmt.Println("opened:", err)
		select {}
	}
	os.Exit(m.Run())
}

func TestOneProcessHasTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not", "there", "yet")
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), asHolder+"="+path)
	said, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || line != "opened: <nil>\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}

	_, err = statedir.Open(path)
	if !errors.Is(err, statedir.ErrLocked) {
		t.Errorf("the folder was opened twice: %v", err)
	}
	want := fmt.Sprintf("state folder %s: another overshoot-agent runs there (pid %d)", path, other.Process.Pid)
	if err != nil && err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}

	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	dir, err := statedir.Open(path)
	if err != nil {
		t.Fatalf("after the other process was killed: %v", err)
	}
	defer dir.Close()
	if got := dir.Path("leases.json"); got != filepath.Join(path, "leases.json") {
		t.Errorf("a file of the folder is %s", got)
	}
	pid, err := os.ReadFile(dir.Path("lock"))
	if err != nil || strings.TrimSpace(string(pid)) != fmt.Sprint(os.Getpid()) {
		t.Errorf("the lock says %q, %v", pid, err)
	}
}

func TestAClosedFolderCanBeOpenedAgain(t *testing.T) {
	path := t.TempDir()
	for range 3 {
		dir, err := statedir.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := statedir.Open(path); !errors.Is(err, statedir.ErrLocked) {
			t.Errorf("opened twice: %v", err)
		}
		if err := dir.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFolderThatCannotBeMadeIsNotLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := statedir.Open(path); err == nil || errors.Is(err, statedir.ErrLocked) {
		t.Errorf("got %v", err)
	}
}
