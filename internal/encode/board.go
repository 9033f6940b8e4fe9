package encode

import (
	"os"
	"strings"

	"go.uber.org/zap"
)

// boardFile is where Linux says what board it runs on, where that is known (Devicetree Specification, section 2.3.2).
const boardFile = "/proc/device-tree/model"

// lacking are boards without an encoder, although their kin has one: nobody needs to look for a driver.
var lacking = []string{"Raspberry Pi 5", "Raspberry Pi 500", "Raspberry Pi Compute Module 5", "Orin Nano"}

// hint says once, where a board has no encoder of H.264, that it is no mistake when the processor does the work.
func (e *Encoders) hint(in Encoder, log *zap.Logger) {
	if !in.Class().Software() {
		return
	}
	e.hinted.Do(func() {
		text, err := os.ReadFile(e.board)
		if err != nil {
			return
		}
		if board := strings.Trim(string(text), "\x00\n "); lacks(board) {
			log.Info("this board has no encoder of H.264, the processor does the work",
				zap.String("board", board), zap.String("advice", "a camera that gives H.264 by itself costs nothing here; for others, mind fps and size"))
		}
	})
}

func lacks(board string) bool {
	for _, each := range lacking {
		if strings.Contains(board, each) {
			return true
		}
	}
	return false
}
