package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"kelpie/server"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	cert, key := a.make(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.cert, a.key = cert, key
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	return a
}

// make makes a certificate, signed by the authority, or by itself before there is one.
func (a *authority) make(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if c.SerialNumber == nil {
		c.SerialNumber = big.NewInt(1)
	}
	c.Subject = pkix.Name{CommonName: "kelpie"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// leaf returns a certificate for this machine, and its key, as PEM.
func (a *authority) leaf(serial int64) (cert, key []byte) {
	c, k := a.make(&x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tlsServer is a server with certificates and a clock that the test sets.
type tlsServer struct {
	*server.Server
	dir   string
	roots *x509.CertPool
	mu    sync.Mutex
	time  time.Time
}

func newTLSServer(t *testing.T, a *authority, clientCA bool) *tlsServer {
	s := &tlsServer{dir: t.TempDir(), roots: x509.NewCertPool(), time: time.Now()}
	s.roots.AddCert(a.cert)
	cert, key := a.leaf(1)
	s.write(t, "cert.pem", cert)
	s.write(t, "key.pem", key)
	spec := server.DefaultSpec()
	spec.Listen = "127.0.0.1:0"
	spec.TLS = server.TLS{Cert: filepath.Join(s.dir, "cert.pem"), Key: filepath.Join(s.dir, "key.pem")}
	if clientCA {
		s.write(t, "ca.pem", a.pem)
		spec.TLS.ClientCA = filepath.Join(s.dir, "ca.pem")
	}
	var err error
	s.Server, err = server.New(server.Options{Spec: spec, Service: nobody{nil}, Log: emptyLog{nil}, Now: s.now})
	if err == nil {
		err = s.Listen()
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *tlsServer) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.time
}

func (s *tlsServer) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = s.time.Add(d)
}

func (s *tlsServer) write(t *testing.T, name string, b []byte) {
	writeFile(t, filepath.Join(s.dir, name), b)
}

// get asks on a new connection, and returns the serial number of the certificate that is shown.
func (s *tlsServer) get(c *tls.Config) (serial int64, err error) {
	c.RootCAs = s.roots
	tr := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr}).Get("https://" + s.Address().String() + "/healthz")
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	return r.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
}

// TestCertificatesChange writes new certificates: they are shown at the next handshake; a wrong one is not.
func TestCertificatesChange(t *testing.T) {
	a := newAuthority(t)
	s := newTLSServer(t, a, false)
	want := func(serial int64) {
		t.Helper()
		if got, err := s.get(&tls.Config{}); err != nil || got != serial {
			t.Fatalf("certificate %d, %v; want %d", got, err, serial)
		}
	}
	want(1)
	cert, key := a.leaf(2)
	s.write(t, "cert.pem", cert)
	s.pass(time.Minute)
	want(1) // the key is not there yet
	s.write(t, "key.pem", append(key, '\n'))
	s.pass(time.Minute)
	want(2)
	if err := os.Remove(filepath.Join(s.dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	want(2)
}

// TestClientCertificates lets in who has a certificate of the authority, and nobody else.
func TestClientCertificates(t *testing.T) {
	a := newAuthority(t)
	s := newTLSServer(t, a, true)
	of := func(a *authority) *tls.Config {
		cert, err := tls.X509KeyPair(a.leaf(7))
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	if _, err := s.get(of(a)); err != nil {
		t.Error(err)
	}
	if _, err := s.get(&tls.Config{}); err == nil {
		t.Error("somebody without a certificate is let in")
	}
	if _, err := s.get(of(newAuthority(t))); err == nil {
		t.Error("somebody with another authority's certificate is let in")
	}
	if _, err := s.get(&tls.Config{MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is taken")
	}
}

// TestWrongCertificates wants a server not to start with files that cannot be used.
func TestWrongCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := newAuthority(t).leaf(1)
	name := func(n string, b []byte) string {
		writeFile(t, filepath.Join(dir, n), b)
		return filepath.Join(dir, n)
	}
	c, k, empty := name("cert", cert), name("key", key), name("empty", nil)
	for _, spec := range []server.TLS{{Cert: c, Key: empty}, {Cert: empty, Key: k}, {Cert: dir + "/none", Key: k}, {Cert: c, Key: k, ClientCA: empty}} {
		o := server.Options{Spec: server.DefaultSpec(), Service: nobody{nil}}
		o.Spec.TLS = spec
		if _, err := server.New(o); err == nil {
			t.Errorf("%+v is taken", spec)
		}
	}
}
