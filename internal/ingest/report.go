package ingest

import (
	"sync"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
)

// report shows people what the camera sends and what is made of it.
type report struct {
	part    *status.Part
	log     *zap.Logger
	metrics *Metrics

	mu          sync.Mutex // the encoder is told from another goroutine
	sends       string
	path        path
	encoderName string
}

// video tells what comes and what becomes of it. It is logged when it changes.
func (r *report) video(sends string, p path) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sends == sends && r.path == p {
		return
	}
	r.sends, r.path = sends, p
	r.metrics.follow(p)
	r.part.Detail("sends", sends)
	r.show()
	r.log.Info("video", zap.String("sends", sends), zap.String("handling", p.words()))
}

// encoder tells which encoder is in use; none if name is empty.
func (r *report) encoder(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.encoderName = name
	r.show()
}

func (r *report) show() {
	text := r.path.words()
	if r.path == transcoded && r.encoderName != "" {
		text += " by " + r.encoderName
	}
	r.part.Detail("handling", text)
}
