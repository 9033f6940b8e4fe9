package demo

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

// Names of the two watches of the demo, and how often the second asks.
const (
	counterWatch = "counter"
	sceneWatch   = "scene"
	sceneEvery   = 5 * time.Second
)

//go:embed demo.yaml.tmpl
var configTemplate string

// An agent is the running agent and where it is to be looked at.
type agent struct {
	*child
	status string // URL of the status page
}

// startAgent writes the configuration into the folder and starts this very program with it.
func startAgent(o Options, s *simulator, files files) (*agent, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := writeConfig(files, s.ready, o.Every, address); err != nil {
		return nil, fmt.Errorf("writing the configuration of the demo: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c, err := start("agent", exec.Command(program, "run", "--config", files.Config), files.Log)
	if err != nil {
		return nil, err
	}
	return &agent{child: c, status: "http://" + address + "/status"}, nil
}

func writeConfig(files files, r ready, every time.Duration, address string) error {
	t, err := template.New("demo.yaml").Parse(configTemplate)
	if err != nil {
		return err
	}
	var text strings.Builder
	err = t.Execute(&text, map[string]any{
		"Files": files, "Service": strings.TrimSuffix(r.API, "/v1beta"), "Cameras": r.Cameras, "Every": every, "SceneEvery": sceneEvery,
		"Status": address, "Counter": counterWatch, "Scene": sceneWatch,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(files.Config, []byte(text.String()), 0o600)
}

// freeAddress returns a loopback address with a port that nobody uses, so that the configuration can say where the status page is.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a port for the status page: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// files are the places in the folder of the demo.
type files struct{ Dir, Config, Results, Log, State string }

func filesIn(dir string) files {
	in := func(name string) string { return filepath.Join(dir, name) }
	return files{Dir: dir, Config: in("demo.yaml"), Results: in("results.jsonl"), Log: in("agent.log"), State: in("state")}
}
