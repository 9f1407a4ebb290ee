package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/journal"
)

// testAuthority signs certificates and keeps their files.
type testAuthority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newTestAuthority(t *testing.T) *testAuthority {
	a := &testAuthority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// file returns the file of a certificate, name.pem, or of its key, name.key.
func (a *testAuthority) file(name string) string { return filepath.Join(a.dir, name) }

// sign signs a certificate, the first one with its own key, and writes it and its key.
func (a *testAuthority) sign(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	check := func(err error) {
		if err != nil {
			a.t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	c.SerialNumber, c.Subject = big.NewInt(int64(len(name))), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	check(os.WriteFile(a.file(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600))
	check(os.WriteFile(a.file(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	cert, err := x509.ParseCertificate(raw)
	check(err)
	return cert, key
}

// guarded serves an API with a certificate of the authority, to clients that have one, too.
func (a *testAuthority) guarded(h http.Handler) *httptest.Server {
	a.sign("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	a.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	pair, err := tls.LoadX509KeyPair(a.file("server.pem"), a.file("server.key"))
	if err != nil {
		a.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	s.TLS.ClientCAs.AddCert(a.cert)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s
}

// TestClientCertificates asks an API of a private authority that wants certificates of its clients: named by flags, by the
// environment and by the configuration, and not named.
func TestClientCertificates(t *testing.T) {
	a := newTestAuthority(t)
	var asked []string
	s := a.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.TLS.PeerCertificates[0].Subject.CommonName+" "+r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		fmt.Fprintln(w, `{"id":"5f","match":["a=b"],"phase":"running","ready":true,"rule":"burst"}`)
	}))
	f := func(code int, wantAsked, wantSaid string, args ...string) {
		t.Helper()
		asked = nil
		_, said := call(t, code, args...)
		if got := strings.Join(asked, ", "); got != wantAsked || !strings.Contains(said, wantSaid) || wantSaid == "" && said != "" {
			t.Errorf("kelpie %s: asked %q, want %q; said %q, want %q", strings.Join(args, " "), got, wantAsked, said, wantSaid)
		}
	}
	url, ca, cert, key := "--url="+s.URL, "--ca="+a.file("ca.pem"), "--cert="+a.file("client.pem"), "--key="+a.file("client.key")
	status := "client GET /v1/status "
	f(exitDone, status+"Bearer t", "", "status", url, ca, cert, key, "--token=t")
	f(exitDone, "client POST /v1/alerts/5f/acknowledge ", "", "alerts", "ack", "5f", url, ca, cert, key)
	f(exitDone, "client DELETE /v1/silences/5f ", "", "silence", "expire", "5f", url, ca, cert, key)
	f(exitWrong, "", "name the file of the authority that signed it: --ca", "status", url, cert, key)
	f(exitWrong, "", "does it ask for a certificate of ours? --cert and --key", "status", url, ca)
	f(exitWrong, "", "a certificate needs its key", "status", url, ca, cert)
	f(exitWrong, "", "no such file", "status", url, "--ca=nothing.pem")

	t.Chdir(t.TempDir()) // there is no configuration, and nobody has a log open
	t.Setenv("KELPIE_URL", s.URL)
	t.Setenv("KELPIE_CA", a.file("ca.pem"))
	t.Setenv("KELPIE_CERT", a.file("client.pem"))
	t.Setenv("KELPIE_KEY", a.file("client.key"))
	t.Setenv("KELPIE_TOKEN", "e")
	f(exitDone, status+"Bearer e", "", "status")
	f(exitDone, status+"Bearer t", "", "status", "--token=t")
	f(exitWrong, "", "private key does not match", "status", "--cert="+a.file("ca.pem"), "--key="+a.file("client.key"))

	for _, name := range []string{"KELPIE_CA", "KELPIE_CERT", "KELPIE_KEY", "KELPIE_TOKEN"} {
		t.Setenv(name, "")
	}
	dir := dataWith(t, func(l *journal.Log) { appendTo(t, l, journal.Event, `{"type":"x","time":"2026-01-05T10:00:00Z"}`) })
	l, err := journal.Open(filepath.Join(dir, "log"), journal.Options{}) // as a service that runs has it
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	yml := fmt.Sprintf("data: %s\nhttp: {url: %q}\nclient: {ca: %s, cert: client.pem, key: client.key}\n", dir, s.URL, a.file("ca.pem"))
	if err := os.WriteFile(a.file("kelpie.yml"), []byte(yml), 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitDone, status, "", "status", "-c", a.file("kelpie.yml"))
	f(exitWrong, "", "a certificate needs its key", "status", "-c", a.file("kelpie.yml"), "--cert="+a.file("client.pem"))
}
