package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// FuzzLoad feeds files of strangers: Load must not panic, and every problem must say where it is and what.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, seed := range append(seeds, "../../configs/overshoot-agent.yaml") {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "fuzz.yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, _, err := config.Load(path, options())
		if err == nil {
			if len(cfg.Cameras)+len(cfg.Skipped) == 0 || len(cfg.Overshoot.Keys) == 0 {
				t.Errorf("accepted without cameras or keys: %+v", cfg)
			}
			return
		}
		problems, ok := errors.AsType[config.Problems](err)
		if !ok || cfg != nil {
			t.Fatalf("Load returned %v and %T", cfg, err)
		}
		for _, p := range problems {
			if p.File == path && (p.Line < 1 || p.Column < 1) || p.Text == "" {
				t.Errorf("no place or no text: %+v", p)
			}
		}
	})
}
