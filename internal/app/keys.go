package app

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
)

// chatTimeout bounds every question; each watch has its own bound below it.
const chatTimeout = time.Hour

// A keyring has one client for each key, by name. A client stays when the text of its key changes, so that the streams it made stay too.
type keyring struct {
	options  overshoot.Options // but for the key
	scrubber *secret.Scrubber

	mu      sync.Mutex
	keys    map[string]config.Key // as they are now
	clients map[string]*overshoot.Client
}

// newKeyring returns one without keys.
func newKeyring(options overshoot.Options, scrubber *secret.Scrubber) *keyring {
	options.ChatTimeout = chatTimeout
	return &keyring{options: options, scrubber: scrubber, clients: map[string]*overshoot.Client{}, keys: map[string]config.Key{}}
}

// use takes the keys of a configuration, and returns them as the pool wants them. Keys that are not in it stay usable: a stream may still
// have to be deleted with them.
func (k *keyring) use(keys []config.Key) ([]slot.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []slot.Key
	for _, key := range keys {
		k.keys[key.Name] = key
		client, err := k.client(key.Name)
		if err != nil {
			return nil, fmt.Errorf("overshoot: %w", err)
		}
		all = append(all, slot.Key{Name: key.Name, Slots: key.MaxStreams, Client: client, Fingerprint: client.Fingerprint})
	}
	return all, nil
}

// client returns the one client of a key. The lock is held.
func (k *keyring) client(name string) (*overshoot.Client, error) {
	if client := k.clients[name]; client != nil {
		return client, nil
	}
	options := k.options
	options.Key = func() (string, error) { return k.read(name) }
	client, err := overshoot.New(options)
	if err != nil {
		return nil, err
	}
	k.clients[name] = client
	return client, nil
}

// read returns the text of a key, anew at each call, so that a key that was changed in its file is used at once.
func (k *keyring) read(name string) (string, error) {
	k.mu.Lock()
	key := k.keys[name]
	k.mu.Unlock()
	text, err := key.Read()
	k.scrubber.Add(text)
	return text.Reveal(), err
}

// holder returns the key that made a stream, with its name of today: the one with the fingerprint, or else the one with the name, whose
// text may have changed since. The client is nil when neither is there any more.
func (k *keyring) holder(name, fingerprint string) (string, *overshoot.Client) {
	k.mu.Lock()
	clients := maps.Clone(k.clients)
	k.mu.Unlock()
	if client := clients[name]; client != nil && client.Fingerprint() == fingerprint {
		return name, client
	}
	for today, client := range clients {
		if fingerprint != "" && client.Fingerprint() == fingerprint {
			return today, client
		}
	}
	return name, clients[name]
}
