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
