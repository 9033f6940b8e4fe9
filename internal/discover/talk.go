package discover

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer is how much of an answer is read, in bytes. A recorder with 64 channels describes them in a few hundred thousand.
const maxAnswer = 2 << 20

// maxAttempts is how often one question is put: as nobody, by digest, with a newer nonce, by token.
const maxAttempts = 4

// ErrLoginWanted means that a camera tells nothing to somebody who is not logged in, and we have no login.
var ErrLoginWanted = errors.New("the camera wants user name and password")

// ErrLoginRefused means that a camera does not take our login.
var ErrLoginRefused = errors.New("the camera refused user name or password")

// errBasic means that a camera would have to be told the password as it is.
var errBasic = fmt.Errorf("%w: it wants the password in clear text (HTTP Basic), in which it is never sent", ErrLoginRefused)

// A talk is a conversation with one camera. It is used from one goroutine.
type talk struct {
	http    *http.Client
	login   Login
	clean   *cleaner
	timeout time.Duration // of each answer

	skew     time.Duration // the camera's clock minus ours
	proof    proof         // with which the camera was content, or is being tried
	digest   *challenge    // for proof byDigest
	accepted bool          // it was content once
	lost     error         // it refused all that we have; nothing is tried again, since cameras lock out who guesses
}

// A proof is a way to be logged in.
type proof int

const (
	byNothing proof = iota
	byDigest
	byToken
)

func newTalk(login Login, clean *cleaner, timeout time.Duration) *talk {
	return &talk{login: login, clean: clean, timeout: timeout, http: &http.Client{
		// No redirects: a login is for the host that was asked. No proxy: the cameras are here.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: true}, // nobody signs for cameras; what is sent is no more than digests
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
		},
	}}
}

func (t *talk) end() { t.http.CloseIdleConnections() }

// ask asks a service at an address and decodes what it answers. It logs in when it has to and can.
func (t *talk) ask(ctx context.Context, at *url.URL, o operation, into any) error {
	for range maxAttempts {
		r, err := t.post(ctx, at, o)
		if err != nil {
			return err
		}
		if !r.wantsLogin() {
			if t.proof != byNothing {
				t.accepted = true
			}
			return r.decode(into, t.clean)
		}
		if err := t.nextProof(r); err != nil {
			return err
		}
	}
	return ErrLoginRefused
}

// nextProof chooses how to log in after the camera has said that we have to. The error is that there is no way left.
func (t *talk) nextProof(r *reply) error {
	switch {
	case t.lost != nil:
		return t.lost
	case !t.login.given():
		return ErrLoginWanted
	case t.proof == byDigest && r.digest != nil && t.accepted && t.digest.used > 1:
		t.digest = r.digest // the nonce was used up
		return nil
	case t.accepted: // it knows us, and does not tell us this
		return ErrLoginRefused
	case t.proof == byNothing && r.digest != nil:
		t.proof, t.digest = byDigest, r.digest
		return nil
	case t.proof != byToken:
		t.proof = byToken
		return nil
	case r.basic && r.digest == nil:
		t.lost = errBasic
	default:
		t.lost = ErrLoginRefused
	}
	return t.lost
}

// post sends one request and reads the reply.
func (t *talk) post(ctx context.Context, at *url.URL, o operation) (*reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.timeout, fmt.Errorf("no answer within %v", t.timeout))
	defer cancel()
	header := ""
	if t.proof == byToken && t.lost == nil {
		header = token(t.login, time.Now().Add(t.skew))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(o.envelope(header)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", o.contentType())
	request.Header.Set("User-Agent", "overshoot-agent")
	if t.proof == byDigest && t.lost == nil {
		request.Header.Set("Authorization", t.digest.authorization(t.login, http.MethodPost, at.RequestURI()))
	}
	response, err := t.http.Do(request)
	if err != nil {
		return nil, t.plain(ctx, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, t.plain(ctx, err)
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("the answer to %s is larger than %d bytes", o.name, maxAnswer)
	}
	return newReply(response, text, o, t.clean), nil
}

// plain takes the URL out of an error of net/http, which is said elsewhere, and says what has passed when it was our own limit.
func (t *talk) plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	return errors.New(t.clean.line(err.Error()))
}

// A reply is what came back for one request.
type reply struct {
	operation operation
	status    string // of HTTP
	code      int
	text      []byte
	fault     *fault
	noSOAP    error
	digest    *challenge
	basic     bool
}

func newReply(response *http.Response, text []byte, o operation, clean *cleaner) *reply {
	r := &reply{operation: o, status: clean.line(response.Status), code: response.StatusCode, text: text}
	r.fault, r.noSOAP = parseFault(text, clean)
	r.digest, r.basic = challenges(response.Header)
	return r
}

func (r *reply) wantsLogin() bool {
	return r.code == http.StatusUnauthorized || r.fault != nil && r.fault.login
}

// decode reads the answer out of a reply.
func (r *reply) decode(into any, clean *cleaner) error {
	switch {
	case r.fault != nil:
		return fmt.Errorf("%s: %w", r.operation.name, r.fault)
	case r.code != http.StatusOK:
		return fmt.Errorf("%s: HTTP status %s", r.operation.name, r.status)
	case r.noSOAP != nil:
		return fmt.Errorf("%s: the answer is no SOAP (%s)", r.operation.name, clean.line(r.noSOAP.Error()))
	}
	if err := unmarshal(r.text, into); err != nil {
		return fmt.Errorf("%s: the answer is not understood (%s)", r.operation.name, clean.line(err.Error()))
	}
	return nil
}
