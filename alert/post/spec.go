package post

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"kelpie/secret"
)

// Spec says how a receiver's server is reached. The zero Spec is the usual way.
type Spec struct {
	Timeout time.Duration `yaml:"timeout"` // of one attempt, with its answer; default 10s
	Proxy   secret.Value  `yaml:"proxy"`   // http://, https:// or socks5://, or none; default: the variables HTTPS_PROXY, HTTP_PROXY, NO_PROXY
	TLS     TLS           `yaml:"tls"`
}

// DefaultTimeout is that of a Spec that names none.
const DefaultTimeout = 10 * time.Second

// noProxy is a Proxy that is never asked.
const noProxy = "none"

// Validate says what is wrong, each as an error that begins with the setting's name. The part `tls:` says so itself.
func (s Spec) Validate() error {
	var errs []error
	if s.Timeout < 0 || s.Timeout > 5*time.Minute {
		errs = append(errs, errors.New("timeout: must be at most 5m"))
	}
	if p := s.Proxy.Reveal(); p != "" && p != noProxy {
		u, err := url.Parse(p)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
			errs = append(errs, errors.New("proxy: must be an address such as http://proxy.example:3128, or none"))
		}
	}
	return errors.Join(errs...)
}

// TLS says whom to believe, and who we are.
type TLS struct {
	CA         string `yaml:"ca"`          // file of the certificates that sign the server's; default: those of the system
	Cert       string `yaml:"cert"`        // file of our own certificate, if the server asks for one; read anew at each connection
	Key        string `yaml:"key"`         // file of its private key
	ServerName string `yaml:"server_name"` // that the server's certificate must have; default: that of the address
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (t TLS) Validate() error {
	switch {
	case t.Cert != "" && t.Key == "":
		return errors.New("cert: a certificate needs its key: name both files")
	case t.Key != "" && t.Cert == "":
		return errors.New("key: a key needs its certificate: name both files")
	}
	return nil
}

// Paths returns the settings that are paths of files, for the one who knows what they are relative to.
func (t *TLS) Paths() []*string { return []*string{&t.CA, &t.Cert, &t.Key} }

// Config reads the files. The certificate of our own is read again at each connection, so that it may be renewed.
func (t TLS) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca: %s holds no certificate in PEM", t.CA)
		}
	}
	if t.Cert == "" {
		return c, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("tls.cert: %w", err)
		}
		return &pair, nil
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	_, err := load()
	return c, err
}

// CheckURL says what is wrong with the address of a server, and never what it is: it may hold a secret.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("must be an address such as https://example.org/hook")
	}
	return nil
}

// Host returns the host of an address, with its port; "" if it has none. The rest may be secret.
func Host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
