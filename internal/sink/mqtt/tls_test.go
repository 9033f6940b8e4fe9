package mqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// identity writes a certificate that signs itself, and its key, and returns the files.
func identity(t *testing.T) (cert, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", der), writePEM(t, "PRIVATE KEY", text)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	cert, key := identity(t)
	ours, ourKey := identity(t)
	listener := "listener %p 127.0.0.1\nallow_anonymous true\ncertfile " + cert + "\nkeyfile " + key + "\ncafile " + ours + "\n"
	b := start(t, listener)
	at := "url: mqtts://" + b.address + "\n"
	deliver(t, open(t, at+"tls: {ca_file: "+cert+"}"), results(0, 10))
	deliver(t, open(t, at+"client_id: second\ntls: {insecure: true}"), results(0, 10))
	refuses(t, open(t, at), sink.Again, "signed by an authority that this machine does not know")
	refuses(t, open(t, at+"tls: {server_name: other.example, ca_file: "+cert+"}"), sink.Again, "the certificate has another name")

	strict := start(t, listener+"require_certificate true\n")
	at = "url: mqtts://" + strict.address + "\n"
	deliver(t, open(t, at+"tls: {ca_file: "+cert+", cert_file: "+ours+", key_file: "+ourKey+"}"), results(0, 10))
	refuses(t, open(t, at+"tls: {ca_file: "+cert+"}"), sink.Again, "certificate")

	plain := start(t, "")
	refuses(t, open(t, "url: mqtts://"+plain.address), sink.Again, "mqtts://"+plain.address)
	refuses(t, open(t, "url: mqtt://"+strict.address), sink.Again, "it may want TLS")
}
