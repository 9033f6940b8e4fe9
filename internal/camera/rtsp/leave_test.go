package rtsp_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// A camera counts its sessions: one that we leave open costs the next attempt.
func TestLeavingInEachPhase(t *testing.T) {
	for name, tc := range map[string]struct {
		last  base.Method // the request that waits for its answer when we leave
		leave bool        // whether there is a session to end
	}{
		"OPTIONS":  {base.Options, false},
		"DESCRIBE": {base.Describe, false},
		"PLAY":     {base.Play, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, answers{tc.last: silence})
			_, stop, ended := run(t, source(t, s.address, "/live", password))
			s.wait(t, tc.last)
			stop()
			<-ended
			if err := <-s.left; !errors.Is(err, io.EOF) {
				t.Errorf("the connection ended with %v", err)
			}
			if got := len(s.asked(base.Teardown)); got > 0 != tc.leave {
				t.Errorf("%d TEARDOWN", got)
			}
		})
	}
}

func TestLeavingWhileConnecting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, because the kernel does, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, scheme := range []string{"rtsp", "rtsps"} {
		_, stop, ended := run(t, sourceOf(t, "url: "+scheme+"://"+l.Addr().String()+"/live"))
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		stop()
		<-ended
		_ = conn.Close()
	}
}

// Only the answer to SETUP names the session, so it is worth a moment.
func TestLeavingWhileTheSessionIsSetUp(t *testing.T) {
	stopped := make(chan struct{})
	s := play(t, answers{base.Setup: func(r *base.Request) string {
		<-stopped
		return well(r)
	}})
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	s.wait(t, base.Setup)
	stop()
	close(stopped)
	if got := s.wait(t, base.Teardown).Header["Session"]; len(got) != 1 || got[0] != "4711" {
		t.Errorf("TEARDOWN of the session %q", got)
	}
	<-ended
	if len(v.begun) > 0 || len(s.asked(base.Play)) > 0 {
		t.Error("it began all the same")
	}
}

func TestACameraThatNeverAnswersDoesNotHoldUs(t *testing.T) {
	for _, last := range []base.Method{base.Setup, base.Teardown} {
		s := play(t, answers{last: silence})
		s.deaf.Store(true)
		v, stop, ended := run(t, source(t, s.address, "/live", password))
		s.wait(t, base.Setup)
		if last == base.Teardown {
			next(t, v.packets, ended)
		}
		before := time.Now()
		stop()
		<-ended
		if took := time.Since(before); took > 5*time.Second { // the timeout is 10s
			t.Errorf("%s unanswered: leaving took %v", last, took)
		}
	}
}

// Closing a socket with unread video in it resets the connection, and a camera may then throw away the TEARDOWN before it.
func TestTheLastWordsArrive(t *testing.T) {
	flood := strings.Repeat(interleaved(9, bytes.Repeat([]byte{0x41}, 1000)), 2000)
	s := play(t, answers{base.Play: func(r *base.Request) string { return well(r) + flood }})
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	next(t, v.packets, ended)
	stop()
	for done := false; !done; {
		select {
		case <-v.packets: // lets it go on reading
		case <-ended:
			done = true
		}
	}
	s.wait(t, base.Teardown)
	if err := <-s.left; !errors.Is(err, io.EOF) {
		t.Errorf("the connection ended with %v, want an orderly end", err)
	}
}

// gortsplib repeats OPTIONS before each request after a 404, TEARDOWN included, where it may not.
func TestACameraWithoutOptions(t *testing.T) {
	for _, status := range []string{"404 Not Found", "405 Method Not Allowed", "501 Not Implemented", "400 Bad Request", "302 Found"} {
		s := play(t, answers{base.Options: says(status)})
		v, stop, ended := run(t, source(t, s.address, "/live", password))
		next(t, v.packets, ended)
		stop()
		s.wait(t, base.Teardown)
		<-ended
		if n := len(s.asked(base.Options)); n != 1 {
			t.Errorf("%s: asked OPTIONS %d times", status, n)
		}
	}
}
