package webhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

// identity is a certificate that signs itself, and the files with it and its key.
type identity struct {
	tls.Certificate
	cert, key string
}

func newIdentity(t *testing.T, until time.Time, names ...string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, DNSNames: names, IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
	}
	if len(names) > 0 {
		template.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{
		tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		writePEM(t, "CERTIFICATE", der), writePEM(t, "PRIVATE KEY", private),
	}
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func listenTLS(t *testing.T, settings *tls.Config) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(r)
	r.TLS, r.EnableHTTP2 = settings, true
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func TestCertificates(t *testing.T) {
	later, before := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	good, named, old := newIdentity(t, later), newIdentity(t, later, "hook.example"), newIdentity(t, before)
	for name, tc := range map[string]struct {
		shown    identity
		settings string
		wrong    string // "" when the certificate is good
	}{
		"authority":         {good, "ca_file: " + good.cert, ""},
		"server name":       {named, "server_name: hook.example, ca_file: " + named.cert, ""},
		"insecure":          {old, "insecure: true", ""},
		"nothing said":      {good, "", "ca_file"},
		"another authority": {good, "ca_file: " + named.cert, "ca_file"},
		"another name":      {named, "ca_file: " + named.cert, "server_name"},
		"out of date":       {old, "ca_file: " + old.cert, "clock"},
	} {
		t.Run(name, func(t *testing.T) {
			r := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{tc.shown.Certificate}})
			taken, err := open(t, "url: "+r.URL+"\ntls: {"+tc.settings+"}").Deliver(t.Context(), results("1", "2"))
			if tc.wrong != "" {
				wantError(t, err, sink.Again, tc.wrong, r.URL)
				if taken > 0 || len(r.requests()) > 0 {
					t.Error("it said something all the same")
				}
				return
			}
			if err != nil || taken != 2 {
				t.Fatalf("took %d: %v", taken, err)
			}
			if got := r.requests()[1]; got.ProtoMajor != 2 || got.TLS.Version < tls.VersionTLS12 {
				t.Errorf("it speaks %s over TLS %x", got.Proto, got.TLS.Version)
			}
		})
	}
}

func TestWeShowACertificate(t *testing.T) {
	server, ours := newIdentity(t, time.Now().Add(time.Hour)), newIdentity(t, time.Now().Add(time.Hour))
	known := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(ours.Certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	known.AddCert(leaf)
	r := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{server.Certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known})
	deliver(t, open(t, "url: "+r.URL+"\ntls: {ca_file: "+server.cert+", cert_file: "+ours.cert+", key_file: "+ours.key+"}"), results("1")...)
	if n := len(r.only(t).TLS.PeerCertificates); n != 1 {
		t.Errorf("it showed %d certificates", n)
	}
	_, err = open(t, "url: "+r.URL+"\ntls: {ca_file: "+server.cert+"}").Deliver(t.Context(), results("1"))
	wantError(t, err, sink.Again) // TLS 1.3 tells only after the handshake, and HTTP/2 may drop what it told
}

func TestOldVersionsOfTLSAreRefused(t *testing.T) {
	server := newIdentity(t, time.Now().Add(time.Hour))
	r := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{server.Certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	_, err := open(t, "url: "+r.URL+"\ntls: {insecure: true}").Deliver(t.Context(), results("1"))
	wantError(t, err, sink.Again, "protocol version")
}

func TestACertificateThatChangesOnDiskIsRead(t *testing.T) {
	first, second := newIdentity(t, time.Now().Add(time.Hour)), newIdentity(t, time.Now().Add(time.Hour))
	r := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{first.Certificate}})
	s := open(t, "url: "+r.URL+"\ntls: {ca_file: "+second.cert+"}")
	_, err := s.Deliver(t.Context(), results("1"))
	wantError(t, err, sink.Again, "ca_file")
	if err := os.Rename(first.cert, second.cert); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, results("1")...)
	if err := os.Remove(second.cert); err != nil {
		t.Fatal(err)
	}
	err = nil
	for deadline := time.Now().Add(time.Minute); err == nil && time.Now().Before(deadline); {
		webhook.Transport(s).CloseIdleConnections() // which does not find one whose last stream is just ending
		_, err = s.Deliver(t.Context(), results("1"))
	}
	wantError(t, err, sink.Again, "the ca_file cannot be read")
}

func TestInsecureIsWarnedOf(t *testing.T) {
	c, err := webhook.Decode(section(t, "url: https://hook.example/\ntls: {insecure: true}"))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0].String(), "c.yaml:3:1: tls: insecure: true lets anybody") {
		t.Errorf("got %v", w)
	}
	c, err = webhook.Decode(section(t, "url: https://hook.example/"))
	if w := c.Warnings(); err != nil || len(w) > 0 {
		t.Errorf("got %v, %v", w, err)
	}
}
