package integration

import (
	"net/http"
	"testing"
)

func TestModelsInTrouble(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=360p30")
	a := startAgent(t, s, s.lockedCamera("yard", s.secrets.password, "counter"), counterWatch)
	a.waitEvents("yard/counter", 2)

	waitModel := func(t *testing.T, a *agent, want string) {
		t.Helper()
		eventually(t, "answers of "+want, func() bool { return a.newest().Data.Model == want })
		a.waitEvents("yard/counter", 2)
	}
	t.Run("slow", func(t *testing.T) {
		a := a.in(t)
		s.do(http.MethodPut, "/switches", `{"chat_latency_ms":1200}`)
		eventually(t, "slow answers", func() bool { return *a.newest().Data.LatencyMS >= 1200 })
		a.waitEvents("yard/counter", 3) // each took longer than `every`: the ticks between were left out
		s.recorder.check(t)
		s.do(http.MethodPut, "/switches", `{"chat_latency_ms":150}`)
		eventually(t, "quick answers", func() bool { return *a.newest().Data.LatencyMS < 1200 })
	})
	t.Run("not available", func(t *testing.T) {
		a := a.in(t)
		if got := a.newest().Data.Model; got != gemma {
			t.Errorf("the model is %s before anything is wrong", got)
		}
		s.do(http.MethodPut, "/switches", `{"models_unavailable":"`+gemma+`"}`)
		waitModel(t, a, qwen)
		s.do(http.MethodPut, "/switches", `{"models_unavailable":""}`)
	})
	t.Run("503", func(t *testing.T) {
		a := a.in(t)
		var rule struct{ ID string }
		s.ask(http.MethodPost, "/faults", `{"op":"chat","status":503}`, &rule)
		eventually(t, "the fault strikes", func() bool {
			var listed struct{ Struck int }
			s.ask(http.MethodGet, "/faults/"+rule.ID, "", &listed)
			return listed.Struck > 0
		})
		waitModel(t, a, gemma) // the other one, which had been down before
	})
	checkEndOf(a, s)
}
