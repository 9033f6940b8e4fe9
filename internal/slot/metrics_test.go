package slot_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsBoardAndLogTellTheSame(t *testing.T) {
	within(t, time.Minute, []int{2, 1}, func(t *testing.T, w *world) {
		w.pool.Block("key-0", time.Hour)
		for _, name := range []string{"a", "b", "c"} {
			w.add(&camera{name: name, leaves: time.Second})
			synctest.Wait()
		}
		time.Sleep(62 * time.Second)
		w.breakKey("key-1", refusal(402, 0))
		w.pool.Refused("key-1", refusal(402, 0))
		synctest.Wait()
		want := `
# HELP overshoot_agent_cameras_waiting Cameras that wait for a slot.
# TYPE overshoot_agent_cameras_waiting gauge
overshoot_agent_cameras_waiting 1
# HELP overshoot_agent_slot_rank Place of the camera among those that wait for a slot, 0 when it does not wait.
# TYPE overshoot_agent_slot_rank gauge
overshoot_agent_slot_rank{camera="a"} 0
overshoot_agent_slot_rank{camera="b"} 1
overshoot_agent_slot_rank{camera="c"} 0
# HELP overshoot_agent_slot_recalls_total Slots that cameras had to give back, by cause.
# TYPE overshoot_agent_slot_recalls_total counter
overshoot_agent_slot_recalls_total{cause="dark"} 0
overshoot_agent_slot_recalls_total{cause="key"} 0
overshoot_agent_slot_recalls_total{cause="priority"} 0
overshoot_agent_slot_recalls_total{cause="rotation"} 1
# HELP overshoot_agent_slots Streams each key may have at once, as configured.
# TYPE overshoot_agent_slots gauge
overshoot_agent_slots{key="key-0"} 2
overshoot_agent_slots{key="key-1"} 1
# HELP overshoot_agent_slots_blocked Slots of each key taken by streams that may exist although no camera holds them.
# TYPE overshoot_agent_slots_blocked gauge
overshoot_agent_slots_blocked{key="key-0"} 1
overshoot_agent_slots_blocked{key="key-1"} 0
`
		if err := testutil.GatherAndCompare(w.reg, strings.NewReader(want), "overshoot_agent_cameras_waiting", "overshoot_agent_slot_rank",
			"overshoot_agent_slot_recalls_total", "overshoot_agent_slots", "overshoot_agent_slots_blocked"); err != nil {
			t.Error(err)
		}
		lines := w.logs.FilterMessage("slot recalled").All()
		if len(lines) != 1 || lines[0].ContextMap()["cause"] != "rotation" || lines[0].ContextMap()["camera"] == "" {
			t.Errorf("logged %v", lines)
		}
		time.Sleep(10 * time.Second)
		w.configure(time.Minute, 2)
		w.remove("c")
		if v := w.key("key-1"); v.State != "" {
			t.Errorf("the board still shows %+v", v)
		}
		if n := testutil.CollectAndCount(w.reg, "overshoot_agent_slot_rank"); n != 2 {
			t.Errorf("%d ranks for 2 cameras", n)
		}
		if n := testutil.CollectAndCount(w.reg, "overshoot_agent_slots_used"); n != 1 {
			t.Errorf("series for %d keys, want 1", n)
		}
	})
}
