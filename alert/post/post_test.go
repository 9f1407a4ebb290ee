package post

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/secret"
)

var now = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

func client(t *testing.T, s Spec, hide ...string) *Client {
	t.Helper()
	var secrets []secret.Value
	for _, h := range hide {
		secrets = append(secrets, secret.New(h))
	}
	c, err := New(s, Options{Agent: "kelpie/test", Now: func() time.Time { return now }}, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestRetryAfter reads what servers ask for.
func TestRetryAfter(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		if got := RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	f("", 0)
	f("0", 0)
	f("7", 7*time.Second)
	f(" 7 ", 7*time.Second)
	f("-7", 0)
	f("1.5", 0)
	f("soon", 0)
	f("4000000000", 24*time.Hour)
	f("99999999999999999999", 0)
	f("Mon, 05 Jan 2026 10:00:30 GMT", 30*time.Second)
	f("Mon, 05 Jan 2026 09:00:00 GMT", 0)
	f("Tue, 05 Jan 2027 10:00:00 GMT", 24*time.Hour)
}

// TestHidden wants no error to hold what stands in the address behind the host, or a secret that the server sends back.
func TestHidden(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.URL.String()+" "+r.Header.Get("Token")+" \x1b[2Jnot\nso", http.StatusTeapot)
	}))
	defer echo.Close()
	c := client(t, Spec{}, echo.URL+"/pa th+s3cret", "t0ken/+", "pa th+s3cret")
	_, err := c.Post(t.Context(), echo.URL+"/pa%20th+s3cret?t="+"t0ken%2F%2B", http.Header{"Token": {"t0ken/+"}}, nil)
	if want := "the answer is 418 I'm a teapot: /(secret)?t=(secret) (secret) [2Jnot so"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close() // nobody answers there
	_, err = c.Post(t.Context(), "http://user:s3cret@"+listener.Addr().String()+"/s3cret", nil, nil)
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := c.Post(t.Context(), "http://s3cret:port", nil, nil); err == nil || strings.Contains(err.Error(), "s3cret") || !alert.Permanent(err) {
		t.Errorf("no address: %v", err)
	}
}

// TestBounds wants a part of a large answer to be read, and an answer that is cut off to be no answer.
func TestBounds(t *testing.T) {
	status := http.StatusOK
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		for range 1 << 10 {
			w.Write(make([]byte, 1<<10))
		}
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
	}))
	defer large.Close()
	c := client(t, Spec{})
	a, err := c.Post(t.Context(), large.URL, nil, nil)
	if err != nil || len(a.Body) != largestAnswer {
		t.Errorf("%v, %v", a, err)
	}
	status = http.StatusInternalServerError
	if _, err := c.Post(t.Context(), large.URL+"/cut", nil, nil); err == nil || len(err.Error()) > 300 {
		t.Errorf("%v", err)
	}
	small := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		w.Write([]byte("half"))
	}))
	defer small.Close()
	if _, err := c.Post(t.Context(), small.URL, nil, nil); err == nil || alert.Permanent(err) {
		t.Errorf("half an answer: %v", err)
	}
}

// TestTimeout wants a server that does not answer to be left, and to be named.
func TestTimeout(t *testing.T) {
	over := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer hangs.Close()
	defer close(over)
	_, err := client(t, Spec{Timeout: time.Millisecond}).Post(t.Context(), hangs.URL, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no answer within 1ms") || alert.Permanent(err) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(t, Spec{}).Post(ctx, hangs.URL, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestTLS wants the server's certificate to be checked against our own authority, and ours to be shown.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir, "client")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.TLS.PeerCertificates[0].Subject.CommonName; got != "client" {
			t.Errorf("the client is %q", got)
		}
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(dir, "ca.pem")
	write(t, ca, "CERTIFICATE", server.Certificate().Raw)
	f := func(s TLS, ok bool) {
		t.Helper()
		_, err := client(t, Spec{TLS: s}).Post(t.Context(), server.URL, nil, nil)
		if (err == nil) != ok {
			t.Errorf("%+v: %v", s, err)
		}
	}
	f(TLS{CA: ca, Cert: cert, Key: key, ServerName: "example.com"}, true)
	f(TLS{CA: ca, Cert: cert, Key: key, ServerName: "elsewhere.example"}, false)
	f(TLS{CA: ca}, false)
	f(TLS{Cert: cert, Key: key}, false)
	f(TLS{CA: cert, Cert: cert, Key: key}, false)
	for _, s := range []TLS{{CA: "no-such-file"}, {CA: key}, {Cert: "no-such-file", Key: key}, {Cert: key, Key: key}} {
		if _, err := New(Spec{TLS: s}, Options{}); err == nil || !strings.HasPrefix(err.Error(), "tls.") {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func pair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	write(t, cert, "CERTIFICATE", der)
	write(t, key, "PRIVATE KEY", private)
	return cert, key
}

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestProxy wants a proxy to be asked where one is set, and its password to be in no error.
func TestProxy(t *testing.T) {
	asked := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Host != "hook.example" {
			t.Errorf("asked for %s", r.Host)
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
		w.Write([]byte("not hush"))
	}))
	defer proxy.Close()
	c := client(t, Spec{Proxy: secret.New("http://me:hush@" + strings.TrimPrefix(proxy.URL, "http://"))})
	_, err := c.Post(t.Context(), "http://hook.example/", nil, nil)
	if asked != 1 || err == nil || strings.Contains(err.Error(), "hush") || alert.Permanent(err) {
		t.Errorf("asked %d times: %v", asked, err)
	}
	if err := (Spec{Proxy: secret.New("none")}).Validate(); err != nil {
		t.Error(err)
	}
	if got := client(t, Spec{Proxy: secret.New("none")}).transport.Proxy; got != nil {
		t.Error("a proxy is asked where none is wanted")
	}
}

// TestValidate wants each mistake to name its setting.
func TestValidate(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f(Spec{Timeout: time.Hour}.Validate(), "timeout: ")
	f(Spec{Proxy: secret.New("proxy.example:3128")}.Validate(), "proxy: ")
	f(Spec{Proxy: secret.New("gopher://proxy.example")}.Validate(), "proxy: ")
	f(TLS{Cert: "a"}.Validate(), "cert: ")
	f(TLS{Key: "a"}.Validate(), "key: ")
	f(CheckURL("example.org"), "must be an address")
}
