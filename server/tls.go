package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificates are what the API shows its callers, and what it asks of them. Files that change are read again, at the next
// handshake; while they cannot be used the old ones go on.
type certificates struct {
	spec TLS
	log  *slog.Logger
	now  func() time.Time

	mu     sync.Mutex
	config *tls.Config
	stamps [3]stamp  // of the files that config was read from, or that cannot be used
	looked time.Time // when the files were looked at last
}

// stamp tells whether a file has changed.
type stamp struct {
	size    int64
	changed time.Time
}

// lookEvery is how often files are looked at, at the most.
const lookEvery = time.Second

func newCertificates(spec TLS, log *slog.Logger, now func() time.Time) (*certificates, error) {
	c := &certificates{spec: spec, log: log, now: now, looked: now()}
	c.stamps = c.look()
	var err error
	c.config, err = spec.read()
	return c, err
}

// server returns what a server is to be given.
func (c *certificates) server() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(), nil },
	}
}

// current returns what is in the files now.
func (c *certificates) current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < lookEvery {
		return c.config
	}
	c.looked = now
	stamps := c.look()
	if stamps == c.stamps {
		return c.config
	}
	c.stamps = stamps
	config, err := c.spec.read()
	if err != nil {
		c.log.Error("kelpie: new certificates are not used, the old ones go on", "error", err)
		return c.config
	}
	c.log.Info("kelpie: certificates read again", "cert", c.spec.Cert)
	c.config = config
	return config
}

func (c *certificates) look() (all [3]stamp) {
	for i, name := range []string{c.spec.Cert, c.spec.Key, c.spec.ClientCA} {
		if info, err := os.Stat(name); err == nil && name != "" {
			all[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	return all
}

// read reads the files.
func (t TLS) read() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("http: tls: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	if t.ClientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("http: tls: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("http: tls: %s holds no certificate", t.ClientCA)
	}
	return c, nil
}
