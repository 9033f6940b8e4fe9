package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// sign adds the headers of Standard Webhooks 1.0.0, one signature for each key; none without keys.
// The timestamp is that of the attempt, the id the same on every attempt.
func sign(header http.Header, keys [][]byte, id string, now time.Time, body []byte) {
	if len(keys) == 0 {
		return
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", timestamp)
	header.Set("webhook-signature", strings.Join(signatures, " "))
}

// deliveryID is what a receiver may tell duplicates by: the id of the event. A request with several events has one that depends on all of
// their ids. With the id of the first, say, a receiver that has seen it would throw away the others, which may have joined since.
func deliveryID(items []item) string {
	if len(items) == 1 {
		return items[0].id
	}
	sum := sha256.New()
	for _, each := range items {
		sum.Write([]byte(each.id + "\n"))
	}
	return "batch_" + hex.EncodeToString(sum.Sum(nil)[:16])
}

// signingKey takes a secret of Standard Webhooks apart: whsec_ and the base64 of 24 to 64 bytes.
func signingKey(s secret.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("is no secret of Standard Webhooks; write whsec_ followed by what `openssl rand -base64 32` prints")
	}
	return key, nil
}
