package sink_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

func TestTheRouterFollowsTheWatch(t *testing.T) {
	got := map[string][]string{}
	into := func(queue string) func(result.Result) {
		return func(r result.Result) { got[queue] = append(got[queue], r.ID) }
	}
	r := sink.NewRouter()
	r.Accept(result.Result{ID: "too early", Watch: "people"})
	r.Set(sink.Routes{"people": {into("file"), into("webhook")}, "cars": {into("webhook")}})
	for id, watch := range []string{"people", "cars", "unknown", "people"} {
		r.Accept(result.Result{ID: fmt.Sprint(id), Watch: watch})
	}
	if !slices.Equal(got["file"], []string{"0", "3"}) || !slices.Equal(got["webhook"], []string{"0", "1", "3"}) {
		t.Errorf("got %v", got)
	}
	r.Set(sink.Routes{"cars": {into("file")}})
	r.Accept(result.Result{ID: "4", Watch: "cars"})
	r.Accept(result.Result{ID: "5", Watch: "people"})
	if !slices.Equal(got["file"], []string{"0", "3", "4"}) || len(got["webhook"]) != 3 {
		t.Errorf("after the routes were changed: %v", got)
	}
}
