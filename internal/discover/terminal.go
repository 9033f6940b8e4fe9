package discover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"golang.org/x/sys/unix"
)

// A Terminal is the one that somebody sits at.
type Terminal struct {
	file  *os.File
	lines *bufio.Reader
}

// OpenTerminal returns the terminal of this process, nil if standard input is none: then nobody is there to be asked.
func OpenTerminal() *Terminal {
	if _, err := unix.IoctlGetTermios(int(os.Stdin.Fd()), unix.TCGETS); err != nil {
		return nil
	}
	// Opened anew, so that a read can be broken off.
	file, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	return &Terminal{file: file, lines: bufio.NewReader(file)}
}

// Close closes it.
func (t *Terminal) Close() error { return t.file.Close() }

// Ask asks for a line. It blocks until there is one or ctx ends.
func (t *Terminal) Ask(ctx context.Context, question string) (string, error) {
	if _, err := fmt.Fprint(t.file, question); err != nil {
		return "", fmt.Errorf("asking on the terminal: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = t.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := t.lines.ReadString('\n')
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("reading from the terminal: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// AskSecret asks for a line that is not shown while it is typed. The terminal shows again what is typed when it returns.
func (t *Terminal) AskSecret(ctx context.Context, question string) (_ secret.Secret, err error) {
	before, err := t.state()
	if err != nil {
		return secret.Secret{}, fmt.Errorf("hiding what is typed: %w", err)
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	if err := t.setState(unix.TCSETSF, &hidden); err != nil {
		return secret.Secret{}, fmt.Errorf("hiding what is typed: %w", err)
	}
	defer func() {
		_, _ = fmt.Fprintln(t.file) // the one that was typed was not shown
		err = errors.Join(err, t.setState(unix.TCSETS, before))
	}()
	line, err := t.Ask(ctx, question)
	return secret.New(line), err
}

func (t *Terminal) state() (state *unix.Termios, err error) {
	err = t.control(func(fd int) (err error) {
		state, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	return state, err
}

func (t *Terminal) setState(request uint, state *unix.Termios) error {
	return t.control(func(fd int) error { return unix.IoctlSetTermios(fd, request, state) })
}

// control lends the descriptor. File.Fd would make reads on it unbreakable.
func (t *Terminal) control(use func(fd int) error) error {
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	return errors.Join(raw.Control(func(fd uintptr) { err = use(int(fd)) }), err)
}
