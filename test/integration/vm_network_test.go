//go:build vm

package integration

import "testing"

// What all other tests in a VM rest on: an agent in there has the service, the media server and a camera out here.
func TestVMReachesEverything(t *testing.T) {
	s := startSimulator(t, "yard=180p15")
	m := startMachine(t, s, hardware{}, s.lockedCamera("yard", s.secrets.password, "counter"), counterWatch)
	m.waitEvents("yard/counter", 3)
	m.end(s)
}
