// Package livekit runs a real livekit-server as a child process that uses the loopback interface only, and lets a test
// kill, restart and freeze it.
package livekit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/child"
)

// apiKey names the one key that the server accepts.
const apiKey = "simulator"

// Options say how to run the server.
type Options struct {
	Binary string    // path of the livekit-server program
	Log    io.Writer // takes its log lines, warnings and worse, without tokens; nil discards them
}

// A Server is a livekit-server with its ports and keys, which stay the same however often it is restarted. Its methods
// may be called from any goroutine.
type Server struct {
	options Options
	log     *redactor
	ports   ports
	secret  string

	mutex   sync.Mutex // held while the process is being replaced
	process *child.Process
}

// Start starts a server on free ports and returns when it answers. ctx bounds the start only; the server runs until Close,
// or until this process ends.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	s := &Server{options: options, log: &redactor{out: options.Log}, secret: newSecret()}
	var problems []error
	// Somebody else may take a port between the choice and the use of it: then the server exits, and other ports may do.
	for range 3 {
		err := s.startOnFreePorts(ctx)
		if err == nil {
			return s, nil
		}
		problems = append(problems, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("starting livekit-server: %w", errors.Join(problems...))
}

func (s *Server) startOnFreePorts(ctx context.Context) (err error) {
	if s.ports, err = freePorts(); err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.startLocked(ctx)
}

// startLocked starts the process and waits until it answers HTTP requests.
func (s *Server) startLocked(ctx context.Context) error {
	cmd := exec.Command(s.options.Binary)
	// By the environment, because arguments can be read by all users of the machine and a file would be left behind by SIGKILL.
	cmd.Env = append(cmd.Environ(), "LIVEKIT_CONFIG="+s.config())
	cmd.Stdout, cmd.Stderr = s.log, s.log
	process, err := child.Start(cmd)
	if err != nil {
		return err
	}
	if err := s.waitReady(ctx, process); err != nil {
		process.Kill()
		return err
	}
	s.process = process
	return nil
}

func (s *Server) waitReady(ctx context.Context, process *child.Process) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !answers(ctx, s.HTTPURL()) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", context.Cause(ctx))
		case <-process.Done():
			return fmt.Errorf("it ended at once: %w", process.Err())
		case <-poll.C:
		}
	}
	return nil
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// URL returns the address that participants connect to, such as ws://127.0.0.1:7880.
func (s *Server) URL() string { return fmt.Sprintf("ws://127.0.0.1:%d", s.ports.http) }

// HTTPURL returns the address of the room service.
func (s *Server) HTTPURL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.ports.http) }

// APIKey returns the name of the key that tokens must be signed with.
func (s *Server) APIKey() string { return apiKey }

// APISecret returns the key itself. It is random for each Server.
func (s *Server) APISecret() string { return s.secret }

// PID returns the process id of the server, for measuring what it costs.
func (s *Server) PID() int { return s.current().PID() }

// Kill ends the server as a crash would: sockets close, rooms are gone, participants are not told. It returns when the process is gone.
func (s *Server) Kill() { s.current().Kill() }

// Restart kills the server and starts it again, without any rooms, on the same ports and with the same key. It returns when it answers.
func (s *Server) Restart(ctx context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.process.Kill()
	if err := s.startLocked(ctx); err != nil {
		return fmt.Errorf("restarting livekit-server: %w", err)
	}
	return nil
}

// Pause freezes the server: its sockets stay open and it does nothing from the moment of the return.
func (s *Server) Pause() { s.current().Stop() }

// Resume thaws a frozen server.
func (s *Server) Resume() { s.current().Signal(syscall.SIGCONT) }

// Close ends the server for good.
func (s *Server) Close() { s.Kill() }

func (s *Server) current() *child.Process {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process
}

// newSecret returns 32 random bytes in hex; the server demands 32 characters at least.
func newSecret() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return hex.EncodeToString(secret)
}
