package kafka

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// dialer makes connections.
type dialer struct {
	clientID string
	timeout  time.Duration
	tls      *tls.Config    // nil: none
	sasl     sasl.Mechanism // nil: none
	connect  func(ctx context.Context, network, addr string) (net.Conn, error)
}

// newDialer reads the files that the settings name.
func newDialer(c Connection) (*dialer, error) {
	c = c.WithDefaults()
	d := &dialer{clientID: c.ClientID, timeout: c.Timeout, connect: (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext}
	var err error
	if c.TLS != nil {
		if d.tls, err = c.TLS.config(); err != nil {
			return nil, err
		}
	}
	if c.SASL != nil {
		d.sasl, err = c.SASL.mechanism()
	}
	return d, err
}

// config returns the settings as Go's TLS wants them.
func (t TLS) config() (*tls.Config, error) {
	o := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls.ca: %w", err)
		}
		o.RootCAs = x509.NewCertPool()
		if !o.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: tls.ca: %s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls.cert: %w", err)
		}
		o.Certificates = []tls.Certificate{pair}
	}
	return o, nil
}

// mechanism returns the settings as the library wants them.
func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case mechanismPlain:
		return plain.Mechanism{Username: s.Username, Password: s.Password.Reveal()}, nil
	case mechanismSHA256:
		return scram.Mechanism(scram.SHA256, s.Username, s.Password.Reveal())
	case mechanismSHA512:
		return scram.Mechanism(scram.SHA512, s.Username, s.Password.Reveal())
	}
	return nil, fmt.Errorf("kafka: sasl.mechanism: there is none %q", s.Mechanism)
}

// dial connects, greets, and logs in. Its errors are *ConnectError.
func (d *dialer) dial(ctx context.Context, addr string) (_ *conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	stage := dialing
	defer func() {
		if err != nil {
			err = d.explain(stage, addr, err)
		}
	}()
	n, err := d.connect(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = n.Close() // the error counts
		}
	}()
	if d.tls != nil {
		stage = handshaking
		if n, err = d.encrypt(ctx, n, addr); err != nil {
			return nil, err
		}
	}
	c := &conn{net: n, r: bufio.NewReaderSize(n, 16<<10), addr: addr, clientID: d.clientID, timeout: d.timeout}
	stage = greeting
	if err := c.greet(ctx); err != nil {
		return nil, err
	}
	if d.sasl != nil {
		stage = loggingIn
		if err := c.logIn(ctx, d.sasl); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// encrypt speaks TLS over n from now on.
func (d *dialer) encrypt(ctx context.Context, n net.Conn, addr string) (net.Conn, error) {
	o := d.tls
	if o.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return n, err
		}
		o = o.Clone()
		o.ServerName = host
	}
	t := tls.Client(n, o)
	return t, t.HandshakeContext(ctx)
}

// greet asks which versions of which requests the broker knows.
func (c *conn) greet(ctx context.Context) error {
	answer, err := c.exchange(ctx, sized(c.request(protocol.ApiVersions, 0, false)), nil, 1<<20, c.timeout)
	if err != nil {
		return err
	}
	r := bytesReader{b: answer}
	r.int32() // the id
	if code := r.int16(); code != 0 {
		return kafkago.Error(code)
	}
	c.offers = map[protocol.ApiKey]versions{}
	for range r.count(6) {
		key := protocol.ApiKey(r.int16())
		c.offers[key] = versions{low: r.int16(), high: r.int16()}
	}
	if r.bad || len(c.offers) == 0 {
		return errNotKafka
	}
	return nil
}

// loginError is what a broker says of somebody who wants to log in.
type loginError struct {
	code    kafkago.Error
	offered []string // mechanisms
	said    string
}

func (e *loginError) Error() string { return e.code.Error() }

// logIn goes through the steps of SASL.
func (c *conn) logIn(ctx context.Context, m sasl.Mechanism) error {
	answer, err := c.ask(ctx, &saslhandshake.Request{Mechanism: m.Name()})
	if err != nil {
		return err
	}
	if h := answer.(*saslhandshake.Response); h.ErrorCode != 0 {
		return &loginError{code: kafkago.Error(h.ErrorCode), offered: h.Mechanisms}
	}
	session, say, err := m.Start(ctx)
	for done := false; err == nil && !done; {
		if answer, err = c.ask(ctx, &saslauthenticate.Request{AuthBytes: say}); err != nil {
			return err
		}
		a := answer.(*saslauthenticate.Response)
		if a.ErrorCode != 0 {
			return &loginError{code: kafkago.Error(a.ErrorCode), said: a.ErrorMessage}
		}
		done, say, err = session.Next(ctx, a.AuthBytes)
	}
	if err != nil {
		return errors.Join(&loginError{code: kafkago.SASLAuthenticationFailed}, err)
	}
	return nil
}
