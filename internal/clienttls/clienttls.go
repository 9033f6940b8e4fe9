// Package clienttls is the `tls:` section of a sink that connects to a server: whose certificate is good, and which one we show. What else
// trusts authorities of its own reads them here too.
package clienttls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// Settings are the section. The zero value trusts the authorities of the system and shows no certificate.
type Settings struct {
	CAFile     string `yaml:"ca_file"`     // PEM, of the authorities to trust instead of the system's
	CertFile   string `yaml:"cert_file"`   // PEM, the certificate we show, with its chain
	KeyFile    string `yaml:"key_file"`    // PEM, the key to it
	ServerName string `yaml:"server_name"` // the name in the server's certificate, where it is not the host we connect to
	Insecure   bool   `yaml:"insecure"`    // any certificate is good
}

// Resolve returns the settings with paths that count from the folder of the section's file. It reads the files once, to check them; its
// error is a config.Problem with the setting tls.
func (s Settings) Resolve(section config.Section) (Settings, error) {
	s.CAFile, s.CertFile, s.KeyFile = section.Path(s.CAFile), section.Path(s.CertFile), section.Path(s.KeyFile)
	if s.Insecure && (s.CAFile != "" || s.ServerName != "") {
		return s, section.Problemf("tls", "insecure accepts every certificate; remove it, or ca_file and server_name")
	}
	if (s.CertFile == "") != (s.KeyFile == "") {
		return s, section.Problemf("tls", "cert_file and key_file belong together; write both or none")
	}
	if _, err := s.Config(""); err != nil {
		return s, section.Problemf("tls", "%s", err)
	}
	return s, nil
}

// Warnings are what is to be said at each start.
func (s Settings) Warnings(section config.Section) []config.Warning {
	if !s.Insecure {
		return nil
	}
	return []config.Warning{config.Warning(section.Problemf("tls",
		"insecure: true lets anybody who stands between us and the server read and change what is sent; write ca_file instead"))}
}

// Config returns the settings for one connection to a host, TLS 1.2 or newer. It reads the files anew, so that a renewed certificate counts
// without a restart.
func (s Settings) Config(host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: s.Insecure}
	if s.ServerName != "" {
		c.ServerName = s.ServerName
	}
	if s.CAFile != "" {
		pool, err := Authorities(s.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if s.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file cannot be used: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Authorities reads a ca_file: PEM, with at least one certificate. Its error names the file.
func Authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the ca_file cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the ca_file %s holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----", file)
	}
	return pool, nil
}

// Hint returns what to do about a handshake that failed, "" when there is nothing to say.
func Hint(err error) string {
	if _, is := errors.AsType[x509.UnknownAuthorityError](err); is {
		return "the server's certificate is signed by an authority that this machine does not know; name it with tls: {ca_file: …}"
	}
	if _, is := errors.AsType[x509.HostnameError](err); is {
		return "the certificate has another name; write the right host, or the name with tls: {server_name: …}"
	}
	if invalid, is := errors.AsType[x509.CertificateInvalidError](err); is && invalid.Reason == x509.Expired {
		return "the certificate is out of date, or the clock of this machine or the server is wrong"
	}
	if _, is := errors.AsType[tls.RecordHeaderError](err); is {
		return "the server does not speak TLS at this port"
	}
	return ""
}
