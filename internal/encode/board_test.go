package encode

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

type hardware struct{ named }

func (hardware) Class() Class { return HardwareChild }

func TestABoardWithoutEncoderIsToldOnce(t *testing.T) {
	for model, want := range map[string]int{
		"Raspberry Pi 5 Model B Rev 1.0\x00": 1, "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\x00": 1,
		"Raspberry Pi 4 Model B Rev 1.5\x00": 0, "NVIDIA Jetson AGX Orin Developer Kit\x00": 0, "": 0,
	} {
		e := NewEncoders()
		e.board = filepath.Join(t.TempDir(), "model")
		if model != "" {
			if err := os.WriteFile(e.board, []byte(model), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		core, logs := observer.New(zap.InfoLevel)
		e.hint(hardware{"h264_vaapi"}, zap.New(core))
		if logs.Len() > 0 {
			t.Errorf("%s: a hint, although there is hardware", model)
		}
		for range 3 {
			e.hint(named("libx264"), zap.New(core))
		}
		if logs.Len() != want {
			t.Errorf("%s: %d hints, want %d", model, logs.Len(), want)
		}
	}
}
