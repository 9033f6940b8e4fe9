package rtsp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// certificate makes one that signs itself, as cameras have them, good until then.
func certificate(t *testing.T, until time.Time, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "camera"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func playTLS(t *testing.T, c tls.Certificate) *script {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{c}})
	if err != nil {
		t.Fatal(err)
	}
	return playOn(t, l, nil)
}

func fingerprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return hex.EncodeToString(sum[:])
}

func caFile(t *testing.T, c tls.Certificate) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCertificates(t *testing.T) {
	later, before := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	good, named := certificate(t, later, "127.0.0.1"), certificate(t, later, "camera.local")
	old := certificate(t, before, "127.0.0.1")
	colons := strings.ToUpper(fingerprint(good))
	for i := 62; i > 0; i -= 2 {
		colons = colons[:i] + ":" + colons[i:]
	}
	for name, tc := range map[string]struct {
		shown    tls.Certificate
		settings string
		fault    []string // none when the certificate is accepted
	}{
		"authority":                {good, "ca_file: " + caFile(t, good), nil},
		"fingerprint":              {good, "fingerprint: " + fingerprint(good), nil},
		"fingerprint of openssl":   {good, "fingerprint: 'sha256 Fingerprint=" + colons + "'", nil},
		"fingerprint, any name":    {named, "fingerprint: " + fingerprint(named), nil},
		"fingerprint, out of date": {old, "fingerprint: " + fingerprint(old), nil},
		"insecure":                 {old, "insecure: true", nil},
		"server name":              {named, "server_name: camera.local, ca_file: " + caFile(t, named), nil},

		"nothing said":      {good, "", []string{"ca_file", "fingerprint: " + fingerprint(good)}},
		"another authority": {good, "ca_file: " + caFile(t, named), []string{"ca_file", "fingerprint: " + fingerprint(good)}},
		"another name":      {named, "ca_file: " + caFile(t, named), []string{"server_name", fingerprint(named)}},
		"out of date":       {old, "ca_file: " + caFile(t, old), []string{"out of date", "clocks"}},
		"another one":       {good, "fingerprint: " + fingerprint(named), []string{fingerprint(good), "somebody else"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := playTLS(t, tc.shown)
			v, stop, ended := run(t, sourceOf(t, "url: rtsps://"+s.address+"/live\nusername: admin\npassword: canary-1\ntls: {"+tc.settings+"}"))
			if tc.fault != nil {
				wantFault(t, <-ended, camera.Protocol, append(tc.fault, "TLS")...)
				if len(s.requests) > 0 {
					t.Error("it said something all the same")
				}
				return
			}
			next(t, v.packets, ended)
			stop()
			s.wait(t, base.Teardown)
			<-ended
		})
	}
}

func TestPortsThatAreNotTLS(t *testing.T) {
	_, _, ended := run(t, sourceOf(t, "url: rtsps://"+hangsUp(t, "RTSP/1.0 400 Bad Request\r\n\r\n")+"/live"))
	wantFault(t, <-ended, camera.Protocol, "does not speak TLS")
	_, _, ended = run(t, sourceOf(t, "url: rtsps://"+hangsUp(t, "")+"/live"))
	wantFault(t, <-ended, camera.Protocol, "the port for RTSPS")

	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, because the kernel does, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	_, _, ended = run(t, sourceOf(t, "url: rtsps://"+silent.Addr().String()+"/live\ntimeout: 1s"))
	wantFault(t, <-ended, camera.Protocol, "the port for RTSPS")
}

func TestACertificateThatChangesOnDiskIsRead(t *testing.T) {
	first, second := certificate(t, time.Now().Add(time.Hour), "127.0.0.1"), certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	file := caFile(t, second)
	s := playTLS(t, first)
	src := sourceOf(t, "url: rtsps://"+s.address+"/live\ntls: {ca_file: "+file+"}")
	_, _, ended := run(t, src)
	wantFault(t, <-ended, camera.Protocol, "ca_file")
	if err := os.Rename(caFile(t, first), file); err != nil {
		t.Fatal(err)
	}
	v, _, ended := run(t, src)
	next(t, v.packets, ended)
}

func TestARedirectMayNotGiveUpEncryption(t *testing.T) {
	plain := play(t, nil)
	c := certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	s := playTLS(t, c)
	s.answer = answers{base.Describe: says("302 Found", "Location: rtsp://"+plain.address+"/live")}
	_, _, ended := run(t, sourceOf(t, "url: rtsps://"+s.address+"/live\ntls: {insecure: true}"))
	wantFault(t, <-ended, camera.Protocol, "from rtsps:// to rtsp://")
	if len(plain.requests) > 0 {
		t.Error("it was followed")
	}
}
