package watch

import (
	"context"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// models chooses among the model of a watch and its fallbacks.
type models struct {
	down map[string]time.Time // when each was last found unavailable
}

// rest is for how long a model that was unavailable is asked last.
const rest = 30 * time.Second

// ask tries the models in order until one answers or the fault is not the model's.
func (m *models) ask(ctx context.Context, spec config.Watch, try func(model string) (overshoot.Answer, error)) (answer overshoot.Answer, err error) {
	for _, model := range m.order(spec) {
		answer, err = try(model)
		if err == nil {
			delete(m.down, model)
			return answer, nil
		}
		if ctx.Err() != nil || !unavailable(err) {
			return answer, err
		}
		if m.down == nil {
			m.down = map[string]time.Time{}
		}
		m.down[model] = time.Now()
	}
	return answer, err
}

// order lists the models: first those that are not known to be unavailable.
func (m *models) order(spec config.Watch) []string {
	var up, down []string
	for _, model := range append([]string{spec.Model}, spec.Fallback...) {
		if since, ok := m.down[model]; ok && time.Since(since) < rest {
			down = append(down, model)
		} else {
			up = append(up, model)
		}
	}
	return append(up, down...)
}

// unavailable tells errors that another model may not have.
func unavailable(err error) bool {
	return overshoot.ActionOf(err) == overshoot.ActionOtherModel || overshoot.KindOf(err) == overshoot.KindUnavailable
}
