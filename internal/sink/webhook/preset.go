package webhook

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// Preset names the service at the other end.
type Preset string

// The presets.
const (
	Generic Preset = "generic" // for automation tools: flat JSON with a ready-made title and message
	Slack   Preset = "slack"   // an incoming webhook
	Discord Preset = "discord" // a webhook of a channel
	Ntfy    Preset = "ntfy"    // a topic
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Preset) UnmarshalText(text []byte) error {
	switch *p = Preset(text); *p {
	case Generic, Slack, Discord, Ntfy:
		return nil
	}
	return errors.New("write slack, discord, ntfy or generic")
}

// Limits of the services on the length of a text, with some air, in characters.
const (
	slackLength   = 3000 // longer texts are folded; 40000 are refused
	discordLength = 1800 // 2000 are refused
	ntfyLength    = 1000 // 4096 bytes become an attachment
)

// formOf returns the form of a preset. It may change the address that is posted to; its error says what to write as the url.
func formOf(p Preset, target *url.URL) (form, error) {
	switch p {
	case Slack:
		return jsonForm(slackMessage), nil
	case Discord:
		return jsonForm(discordMessage), nil
	case Ntfy:
		topic, err := splitTopic(target)
		return jsonForm(ntfyMessage(topic)), err
	}
	return jsonForm(genericMessage), nil
}

// slackMessage escapes what Slack takes for links and calls such as <!channel>.
func slackMessage(r result.Result) ([]byte, error) {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	return marshal(struct {
		Text string `json:"text"`
	}{"*" + escape.Replace(title(r)) + "*\n" + escape.Replace(short(message(r), slackLength))})
}

// discordMessage allows no mentions, so that an answer with @everyone in it calls nobody.
func discordMessage(r result.Result) ([]byte, error) {
	type mentions struct {
		Parse []string `json:"parse"`
	}
	return marshal(struct {
		Content         string   `json:"content"`
		AllowedMentions mentions `json:"allowed_mentions"`
	}{"**" + title(r) + "**\n" + short(message(r), discordLength), mentions{[]string{}}})
}

// ntfyMessage is published as JSON, where any character may stand; in headers, ntfy's other way, only some may.
func ntfyMessage(topic string) func(result.Result) ([]byte, error) {
	return func(r result.Result) ([]byte, error) {
		return marshal(struct {
			Topic   string `json:"topic"`
			Title   string `json:"title"`
			Message string `json:"message"`
		}{topic, title(r), short(message(r), ntfyLength)})
	}
}

var validTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// splitTopic takes the topic off an address as people know it: JSON is published to the root of the server.
func splitTopic(target *url.URL) (string, error) {
	topic := path.Base(target.Path)
	if !validTopic.MatchString(topic) {
		return "", errors.New("has no topic; write the address of the topic, such as https://ntfy.sh/my-topic")
	}
	target.Path, target.RawPath = strings.TrimSuffix(path.Dir(target.Path), "/")+"/", ""
	return topic, nil
}

func genericMessage(r result.Result) ([]byte, error) {
	return marshal(struct {
		Title   string            `json:"title"`
		Message string            `json:"message"`
		ID      string            `json:"id"`
		Time    time.Time         `json:"time"`
		Agent   string            `json:"agent"`
		Camera  string            `json:"camera"`
		Watch   string            `json:"watch"`
		Labels  map[string]string `json:"labels"`
		OK      bool              `json:"ok"`
		Result  any               `json:"result"`
		Error   string            `json:"error"`
	}{
		title(r), message(r), r.ID, r.Time.UTC().Truncate(time.Millisecond), r.Agent, r.Camera, r.Watch, orEmpty(r.Labels), r.OK, answer(r), r.Error,
	})
}

func orEmpty(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}
