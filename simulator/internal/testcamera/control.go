package testcamera

import "github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"

// Counter returns the counter burned into the newest picture sent: the live edge. It is -1 before the first one.
func (s *Server) Counter(name string) int {
	frames := s.Frames(name)
	if frames == 0 {
		return -1
	}
	return (frames - 1) % picture.CounterPeriod
}

// Frames returns how many pictures the camera has sent, watched or not.
func (s *Server) Frames(name string) int {
	camera := s.camera(name)
	camera.mutex.Lock()
	defer camera.mutex.Unlock()
	return camera.frames
}

// Sessions returns how many viewers are playing the camera.
func (s *Server) Sessions(name string) int {
	camera := s.camera(name)
	camera.mutex.Lock()
	defer camera.mutex.Unlock()
	return len(camera.sessions)
}

// Plays returns how often somebody began to play the camera.
func (s *Server) Plays(name string) int {
	camera := s.camera(name)
	camera.mutex.Lock()
	defer camera.mutex.Unlock()
	return camera.plays
}

// Refused returns how many requests came with a user name or password that was wrong. Those without any do not count.
func (s *Server) Refused(name string) int {
	camera := s.camera(name)
	camera.mutex.Lock()
	defer camera.mutex.Unlock()
	return camera.refused
}

// Stall keeps all sessions open and sends nothing any more. Pictures wait for Resume; they are not lost.
func (s *Server) Stall(name string) { s.setStalled(name, true) }

// Resume ends Stall: the next picture follows the last one sent.
func (s *Server) Resume(name string) { s.setStalled(name, false) }

func (s *Server) setStalled(name string, stalled bool) {
	camera := s.camera(name)
	camera.mutex.Lock()
	defer camera.mutex.Unlock()
	camera.stalled = stalled
}

// Silence keeps the sessions that are there open and sends nothing to them any more; they are answered as before. Viewers that come after it
// see the camera, which goes on.
func (s *Server) Silence(name string) {
	if err := s.camera(name).renewStream(); err != nil {
		panic(err) // the same settings were good before
	}
}

// Disconnect drops all viewers of a camera. They may come back at once.
func (s *Server) Disconnect(name string) { s.camera(name).disconnect() }

// SetDown drops all viewers and refuses new ones with status 503, or takes them again.
func (s *Server) SetDown(name string, down bool) {
	camera := s.camera(name)
	camera.mutex.Lock()
	camera.down = down
	camera.mutex.Unlock()
	if down {
		camera.disconnect()
	}
}

// SetPassword changes the password for the next requests; running sessions go on.
func (s *Server) SetPassword(name, password string) {
	camera := s.camera(name)
	camera.mutex.Lock()
	defer camera.mutex.Unlock()
	camera.password = password
}
