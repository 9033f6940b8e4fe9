package integration

import (
	"testing"
	"time"
)

// A camera whose password is wrong is asked rarely: many lock the account, or the address of who asks, after some attempts.
func TestWrongPasswordIsTriedRarely(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "locked=180p15,open=180p15")
	z.animals[0].settings = `username: "` + z.s.secrets.user + `", password: "` + z.s.secrets.wrong + `"`
	z.start()
	start := time.Now()
	z.a.waitTrouble("locked", "source", z.s.cameras["locked"], "401", "check username and password")
	z.waitResults(2, "open")
	time.Sleep(time.Until(start.Add(time.Duration(scale(15, 180)) * time.Second)))
	n, took := z.s.camerasNow()["locked"].Refused, time.Since(start)
	t.Logf("the camera refused %d logins in %v", n, took.Round(time.Second))
	if most := 2 + took.Minutes(); n == 0 || float64(n) > most {
		t.Errorf("the camera refused %d logins in %v, want 1 to %.0f", n, took, most)
	}
	if made := len(z.s.calls("create")); made != 1 {
		t.Errorf("%d streams were made, want one for the camera that is open", made)
	}
	z.end()
}
