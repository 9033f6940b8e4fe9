package rtsp

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/clienttls"
)

// TLS says which certificate an rtsps camera may show. The zero value trusts the authorities of the system.
type TLS struct {
	CAFile      string      `yaml:"ca_file"`     // PEM, of the authority that signed the certificate; read at each connection
	Fingerprint Fingerprint `yaml:"fingerprint"` // the one certificate that is good, whoever signed it and whatever name it has
	Insecure    bool        `yaml:"insecure"`    // any certificate is good
	ServerName  string      `yaml:"server_name"` // the name in the certificate, where it is not the host of the url
}

// check reads the ca_file, whose path counts from the folder of the configuration file no more.
func (t TLS) check(caFile string) error {
	pinned := t.Fingerprint != Fingerprint{}
	switch {
	case t.Insecure && (pinned || t.CAFile != "" || t.ServerName != ""):
		return errors.New("insecure accepts every certificate; remove it, or the other settings of tls")
	case pinned && (t.CAFile != "" || t.ServerName != ""):
		return errors.New("a fingerprint decides alone; remove it, or ca_file and server_name")
	case t.CAFile == "":
		return nil
	}
	_, err := clienttls.Authorities(caFile)
	return err
}

// config returns the settings for a connection to a host.
func (t TLS) config(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, InsecureSkipVerify: t.Insecure}
	if t.ServerName != "" {
		c.ServerName = t.ServerName
	}
	if t.Fingerprint != (Fingerprint{}) {
		c.InsecureSkipVerify = true // VerifyConnection decides instead
		c.VerifyConnection = t.Fingerprint.verify
	}
	if t.CAFile != "" {
		pool, err := clienttls.Authorities(t.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	return c, nil
}

// A Fingerprint is the SHA-256 of a certificate in DER.
type Fingerprint [sha256.Size]byte

// UnmarshalText implements encoding.TextUnmarshaler. It takes hex digits with colons or without, and what `openssl x509 -fingerprint -sha256`
// prints.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	digits := strings.ToLower(string(text))
	if i := strings.LastIndexByte(digits, '='); i >= 0 {
		digits = digits[i+1:]
	}
	digits = strings.TrimPrefix(strings.TrimSpace(digits), "sha256:")
	sum, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil || len(sum) != len(f) {
		return errors.New("write the SHA-256 of the certificate, 64 hex digits, as `openssl x509 -noout -fingerprint -sha256` prints it")
	}
	copy(f[:], sum)
	return nil
}

func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// verify accepts the one certificate.
func (f Fingerprint) verify(state tls.ConnectionState) error {
	if shown := fingerprintOf(state.PeerCertificates); shown != f {
		return &wrongCertificateError{shown}
	}
	return nil
}

// fingerprintOf returns that of the first certificate of a chain, which is the camera's own.
func fingerprintOf(chain []*x509.Certificate) Fingerprint {
	if len(chain) == 0 {
		return Fingerprint{}
	}
	return sha256.Sum256(chain[0].Raw)
}

// wrongCertificateError says that the certificate is not the pinned one.
type wrongCertificateError struct{ shown Fingerprint }

func (e *wrongCertificateError) Error() string {
	return fmt.Sprintf("the certificate has the fingerprint %s, not the one in the configuration", e.shown)
}
