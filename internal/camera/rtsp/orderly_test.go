package rtsp_test

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
)

// halved is our end of a connection that can be closed one way; the camera is told so on a channel, since a pipe cannot.
type halved struct {
	net.Conn
	last chan struct{}
}

func (h halved) CloseWrite() error { close(h.last); return nil }

// Nobody waits for a camera that is silent anyway: the time it had was the watchdog's. Others have a moment to take our leave.
func TestHowLongAnEndIsWaitedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		silent time.Duration // since the camera last sent something
		closes bool
		want   time.Duration
	}{
		"it plays, and closes":       {rtsp.Silent / 2, true, 0},
		"it plays, and goes on":      {rtsp.Silent / 2, false, rtsp.Farewell},
		"it is silent, and closes":   {2 * rtsp.Silent, true, 0},
		"it is silent, and stays so": {2 * rtsp.Silent, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, camera := net.Pipe()
				last := make(chan struct{})
				conn := rtsp.Orderly(halved{ours, last})
				read := make(chan error, 1)
				go func() { // as the client does
					_, err := io.Copy(io.Discard, conn)
					read <- err
				}()
				time.Sleep(2 * rtsp.Silent)
				if _, err := camera.Write([]byte("video")); err != nil {
					t.Fatal(err)
				}
				go func() {
					<-last
					if tc.closes {
						_ = camera.Close()
					}
				}()
				time.Sleep(tc.silent)
				before := time.Now()
				if err := conn.Close(); err != nil || time.Since(before) != tc.want {
					t.Errorf("Close took %v and returned %v, want %v", time.Since(before), err, tc.want)
				}
				if err := <-read; err == nil {
					t.Error("a read went on")
				}
				time.Sleep(rtsp.Farewell)
				synctest.Wait()
				if _, err := camera.Write([]byte("more")); err == nil {
					t.Error("the connection is still open")
				}
			})
		})
	}
}
