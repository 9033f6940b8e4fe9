package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.uber.org/zap/zapcore"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/account"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/cameras"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

// settings are the command line, checked.
type settings struct {
	listen         string
	rtspListen     string
	liveKit        string // path of the program
	ffmpeg         string
	clips          string
	decode         bool
	exitWithParent bool
	onlyCameras    bool
	level          zapcore.Level
	cameras        []cameras.Spec
	keys           *account.Book
	switches       *switches.Set
}

// texts is a flag that may be given several times.
type texts []string

func (t *texts) String() string { return strings.Join(*t, " ") }

// Set appends a value.
func (t *texts) Set(value string) error {
	*t = append(*t, value)
	return nil
}

func parseFlags(args []string, output io.Writer) (settings, error) {
	s := settings{switches: switches.New()}
	var keys, passwords, sets texts
	var cameraList string
	var noDecode bool
	flags := flag.NewFlagSet("overshoot-simulator", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:0", "`address` of the API and the control interface")
	flags.StringVar(&s.rtspListen, "rtsp-listen", "127.0.0.1:0", "`address` of the test cameras")
	flags.StringVar(&s.liveKit, "livekit-server", "", "`path` of the livekit-server program (required)")
	flags.StringVar(&s.ffmpeg, "ffmpeg", "ffmpeg", "`path` of the ffmpeg program")
	flags.StringVar(&s.clips, "clips", defaultClips(), "`folder` of the clips; missing ones are made")
	flags.StringVar(&cameraList, "cameras", "", "test cameras, such as `front-door=720p30,dock=1080p30`; formats and options are in simulator/README.md")
	flags.Var(&passwords, "camera-password", "credentials of a camera as `name=user:password`; repeatable")
	flags.Var(&keys, "key", "an API key as `name=value[,user=USER][,max_streams=N]`; repeatable (default main=ovs-simulator-key)")
	flags.Var(&sets, "set", "`switch=value`; repeatable, GET /control/switches lists the switches")
	flags.BoolVar(&noDecode, "no-decode", false, "count pictures without looking at them")
	flags.BoolVar(&s.onlyCameras, "only-cameras", false, "run the test cameras and nothing else")
	flags.BoolVar(&s.exitWithParent, "exit-with-parent", false, "exit when standard input is closed")
	flags.TextVar(&s.level, "log-level", zapcore.InfoLevel, "least `level` that is logged: debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.decode = !noDecode
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.liveKit == "" && !s.onlyCameras {
		return s, errors.New("--livekit-server is required")
	}
	return s, s.fill(cameraList, passwords, keys, sets)
}

// fill checks the values that are little languages of their own.
func (s *settings) fill(cameraList string, passwords, keys, sets texts) (err error) {
	if s.cameras, err = cameras.Parse(cameraList); err != nil {
		return fmt.Errorf("--cameras: %w", err)
	}
	for _, text := range passwords {
		if err := cameras.SetPassword(s.cameras, text); err != nil {
			return fmt.Errorf("--camera-password: %w", err)
		}
	}
	if s.keys, err = parseKeys(keys); err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	for _, text := range sets {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return fmt.Errorf("--set %q: want switch=value", text)
		}
		if err := s.switches.Set(name, value); err != nil {
			return fmt.Errorf("--set: %w", err)
		}
	}
	return nil
}

// parseKeys reads the keys. Errors name a key and never show its value.
func parseKeys(list []string) (*account.Book, error) {
	if len(list) == 0 {
		list = []string{"main=ovs-simulator-key"}
	}
	var keys []account.Key
	for _, text := range list {
		name, rest, _ := strings.Cut(text, "=")
		fields := strings.Split(rest, ",")
		key := account.Key{Name: name, Value: fields[0], User: name}
		for _, field := range fields[1:] {
			if err := setKeyOption(&key, field); err != nil {
				return nil, fmt.Errorf("key %q: %w", name, err)
			}
		}
		keys = append(keys, key)
	}
	return account.NewBook(keys...)
}

func setKeyOption(key *account.Key, option string) error {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "user":
		key.User = value
		return nil
	case "max_streams":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("max_streams %q is not a count", value)
		}
		key.MaxStreams = n
		return nil
	default:
		return errors.New("the options are user=USER and max_streams=N")
	}
}

// defaultClips is a folder in the user's cache.
func defaultClips() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "overshoot-agent", "clips")
}
