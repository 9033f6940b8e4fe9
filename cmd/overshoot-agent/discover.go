package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/discover"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

type discoverCommand struct {
	Username     string        `placeholder:"NAME" help:"User name for ONVIF cameras. The password comes from --password-file or CAMERA_PASSWORD, or is asked for."`
	PasswordFile string        `placeholder:"FILE" help:"A file with the password."`
	Timeout      time.Duration `placeholder:"TIME" default:"3s" help:"How long to wait for answers to the search, and for each answer of a camera. Default: 3s."`
	Interface    []string      `placeholder:"NAME" help:"Search on this network interface only. May be given several times."`
	NoONVIF      bool          `name:"no-onvif" help:"Leave out the cameras on the network."`
	NoV4L2       bool          `name:"no-v4l2" help:"Leave out the cameras of this machine."`
}

// passwordVariable is where a password may come from, and what the YAML calls it where it comes from no file.
const passwordVariable = "CAMERA_PASSWORD"

const maxPasswordBytes = 64 << 10

// Run prints the cameras that it finds as YAML. It fails when it finds none. Ctrl-C ends the search early, a second one at once.
func (c *discoverCommand) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	login, err := c.login()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	d := &discovery{command: c, page: discover.Page{Login: login}, scrubber: &secret.Scrubber{}}
	d.scrubber.Add(login.Password)
	d.page.Password = discover.PasswordPlace{File: c.PasswordFile, Variable: passwordVariable}
	return d.scrubber.Error(d.run(ctx))
}

func (c *discoverCommand) check() error {
	switch {
	case c.NoONVIF && c.NoV4L2:
		return usageError("--no-onvif and --no-v4l2 leave nothing to look for: leave one of them out")
	case c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute:
		return usageError("--timeout: write a time from 100ms to 1m")
	case c.PasswordFile != "" && c.Username == "":
		return usageError("--password-file: write --username NAME with it")
	}
	return nil
}

// login returns what was given on the command line and beside it. A user without a password is complete after the terminal was asked.
func (c *discoverCommand) login() (login discover.Login, err error) {
	login.Username = c.Username
	if c.Username == "" {
		return login, nil
	}
	if c.PasswordFile == "" {
		login.Password = secret.New(os.Getenv(passwordVariable))
		return login, nil
	}
	// Counted from the configuration's folder in the YAML, so it has to be whole there.
	if c.PasswordFile, err = filepath.Abs(c.PasswordFile); err != nil {
		return login, usageError("--password-file: " + err.Error())
	}
	file, err := os.Open(c.PasswordFile)
	if err != nil {
		return login, usageError("--password-file: " + err.Error())
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPasswordBytes))
	if err != nil {
		return login, usageError("--password-file: " + err.Error())
	}
	login.Password = secret.New(strings.TrimSpace(string(text)))
	if login.Password.IsZero() {
		return login, usageError("--password-file: " + c.PasswordFile + " is empty")
	}
	return login, nil
}

// A discovery is one run of the command.
type discovery struct {
	command  *discoverCommand
	page     discover.Page
	scrubber *secret.Scrubber
	asked    []string // where cameras were looked for, for the case that there are none
}

// say tells progress and troubles, beside the YAML.
func (d *discovery) say(format string, args ...any) {
	fmt.Fprintf(d.scrubber.Writer(os.Stderr), format+"\n", args...)
}

func (d *discovery) run(ctx context.Context) error {
	if !d.command.NoV4L2 {
		d.lookHere()
	}
	if !d.command.NoONVIF {
		if err := d.searchNetwork(ctx); err != nil {
			return err
		}
	}
	if len(d.page.Webcams)+len(d.page.Cameras) == 0 {
		return d.nothing()
	}
	if _, err := io.WriteString(os.Stdout, d.page.YAML()); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	d.sayWhatIsNext()
	return nil
}

// lookHere finds the cameras of this machine.
func (d *discovery) lookHere() {
	webcams, troubles, err := discover.Webcams()
	for _, trouble := range troubles {
		d.say("%s", trouble)
	}
	if err != nil {
		d.say("%v", err)
	}
	d.page.Webcams = webcams
	d.asked = append(d.asked, "this machine has no V4L2 camera that can be used")
}

// searchNetwork finds the cameras on the network.
func (d *discovery) searchNetwork(ctx context.Context) error {
	o := discover.Options{Timeout: d.command.Timeout, Interfaces: d.command.Interface}
	d.say("searching for ONVIF cameras, for %v; Ctrl-C ends it early", o.Timeout)
	found, err := discover.Search(ctx, o)
	if err != nil {
		return usageError("--interface: " + err.Error())
	}
	for _, trouble := range found.Troubles {
		d.say("%s", trouble)
	}
	if len(found.Asked) == 0 {
		d.asked = append(d.asked, "the network could not be searched: no interface is up that can multicast")
		return nil
	}
	places := strings.Join(found.Asked, ", ")
	if len(found.Devices) == 0 {
		d.asked = append(d.asked, fmt.Sprintf("no ONVIF camera answered within %v on %s", o.Timeout, places))
		return nil
	}
	d.say("searched on %s: %d answered", places, len(found.Devices))
	login := d.page.Login
	if login.Password.IsZero() { // not complete yet
		login = discover.Login{}
	}
	d.page.Cameras = discover.Ask(ctx, o, found.Devices, login)
	return d.askAgain(ctx, o, login)
}

// askAgain asks the cameras that want a login once more with the one that somebody at the terminal gives.
func (d *discovery) askAgain(ctx context.Context, o discover.Options, given discover.Login) error {
	var which []int
	var devices []discover.Device
	for i, camera := range d.page.Cameras {
		if errors.Is(camera.Trouble, discover.ErrLoginWanted) {
			which, devices = append(which, i), append(devices, camera.Device)
		}
	}
	if len(which) == 0 || given != (discover.Login{}) || ctx.Err() != nil {
		return nil
	}
	login, err := d.askForLogin(ctx, len(which))
	if err != nil || login == (discover.Login{}) {
		return err
	}
	d.page.Login = login
	d.scrubber.Add(login.Password)
	for i, camera := range discover.Ask(ctx, o, devices, login) {
		d.page.Cameras[which[i]] = camera
	}
	return nil
}

// askForLogin returns nobody's login when nobody is there, or does not want to.
func (d *discovery) askForLogin(ctx context.Context, cameras int) (login discover.Login, err error) {
	terminal := discover.OpenTerminal()
	if terminal == nil {
		return login, nil
	}
	defer terminal.Close()
	login.Username = d.command.Username
	if login.Username == "" {
		question := fmt.Sprintf("%d of the cameras want a login. User name (Enter leaves them out): ", cameras)
		if login.Username, err = terminal.Ask(ctx, question); err != nil || login.Username == "" {
			return discover.Login{}, err
		}
	}
	if login.Password, err = terminal.AskSecret(ctx, "Password (is not shown): "); err != nil || login.Password.IsZero() {
		return discover.Login{}, err
	}
	return login, nil
}

// sayWhatIsNext sums up.
func (d *discovery) sayWhatIsNext() {
	ready := len(d.page.Webcams)
	for _, camera := range d.page.Cameras {
		if camera.Trouble == nil {
			ready += len(camera.Videos)
			continue
		}
		d.say("%s: %v", camera.At, camera.Trouble)
		if advice := camera.Advice(); advice != "" {
			d.say("  %s", advice)
		}
	}
	if ready == 0 {
		return
	}
	d.say("paste it below `cameras:`, add `watches: […]` to each, and run `overshoot-agent check --config FILE`")
	if d.page.Login.Username != "" && d.page.Password.File == "" {
		d.say("the agent takes the password from its environment: set %s there", passwordVariable)
	}
}

// nothing says where was looked, and what to check.
func (d *discovery) nothing() error {
	text := strings.Join(d.asked, "; ")
	if !d.command.NoONVIF {
		text += "\nhint: a camera must be on the same network (searches do not pass routers, and Wi-Fi often drops multicast), ONVIF must be" +
			" switched on in its settings, a firewall must let its answers in (UDP), and a container needs the network of its host" +
			" (docker run --network host). Without ONVIF, write its rtsp:// address from its manual."
	}
	return errors.New(text)
}
