// Package post sends the requests of notifiers over HTTP, and says of an answer what it means for another try.
//
// It follows no redirect, so that a secret goes where the configuration says and nowhere else; it reads a bounded part
// of an answer; and no error of it holds the address beyond the host, or a secret.
package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kelpie/alert"
	"kelpie/secret"
)

// Options is what a notifier is given beside its settings.
type Options struct {
	Agent string           // the User-Agent; default kelpie
	Now   func() time.Time // the clock; default time.Now
}

// WithDefaults fills in what is not set.
func (o Options) WithDefaults() Options {
	if o.Agent == "" {
		o.Agent = "kelpie"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Client sends to one server. It may be used by several goroutines.
type Client struct {
	http      *http.Client
	o         Options
	hide      []string // what no error may hold
	transport *http.Transport
}

// New returns a client; the secrets given, and that of the proxy, are in no error of it.
func New(s Spec, o Options, hide ...secret.Value) (*Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	config, err := s.TLS.Config()
	if err != nil {
		return nil, err
	}
	t.TLSClientConfig, t.ForceAttemptHTTP2 = config, true
	t.MaxIdleConnsPerHost, t.IdleConnTimeout = 1, time.Minute
	switch p := s.Proxy.Reveal(); p {
	case "":
	case noProxy:
		t.Proxy = nil
	default:
		u, err := url.Parse(p)
		if err != nil {
			return nil, errors.New("proxy: is no address")
		}
		t.Proxy = http.ProxyURL(u)
		if password, ok := u.User.Password(); ok {
			hide = append(hide, secret.New(password))
		}
	}
	c := &Client{o: o.WithDefaults(), transport: t, http: &http.Client{
		Transport: t, Timeout: s.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if s.Timeout == 0 {
		c.http.Timeout = DefaultTimeout
	}
	for _, v := range hide {
		if !v.IsZero() {
			c.hide = append(c.hide, v.Reveal())
		}
	}
	return c, nil
}

// Close closes the connections that are not in use.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// Now returns the time.
func (c *Client) Now() time.Time { return c.o.Now() }

// largestAnswer bounds what is read of an answer, bytes.
const largestAnswer = 256 << 10

// Do sends a request. It is http.Client's Do with the promises of this package.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", c.o.Agent)
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreached(r, err)
	}
	answer.Body = bounded{io.LimitReader(answer.Body, largestAnswer), answer.Body}
	return answer, nil
}

// bounded reads the beginning of an answer.
type bounded struct {
	io.Reader
	io.Closer
}

// unreached makes an error of a request that got no answer: why, of which host, and no word of the rest of the address.
func (c *Client) unreached(r *http.Request, err error) error {
	var u *url.Error
	switch ended := r.Context().Err(); {
	case ended != nil:
		err = ended
	case errors.As(err, &u) && u.Timeout():
		return &hidden{fmt.Sprintf("%s: no answer within %s", r.URL.Host, c.http.Timeout), u.Err}
	case u != nil:
		err = u.Err
	}
	return &hidden{c.mask(fmt.Sprintf("%s: %v", r.URL.Host, err)), err}
}

// hidden is an error whose text has been masked.
type hidden struct {
	text  string
	cause error
}

func (e *hidden) Error() string { return e.text }
func (e *hidden) Unwrap() error { return e.cause }

// mask hides the client's secrets in a text.
func (c *Client) mask(text string) string { return Mask(text, c.hide...) }

// Mask hides secrets in a text, also as they stand in addresses.
func Mask(text string, secrets ...string) string {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			text = strings.ReplaceAll(text, form, "(secret)")
		}
	}
	return text
}

// Answer is what a server said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // its beginning
}

// Post sends a body and returns an answer whose status is 2xx; every other is an error.
func (c *Client) Post(ctx context.Context, address string, header http.Header, body []byte) (*Answer, error) {
	a, err := c.Ask(ctx, address, header, body)
	if err != nil {
		return nil, err
	}
	if a.Status/100 != 2 {
		return nil, c.Failure(a)
	}
	return a, nil
}

// Ask sends a body and returns the answer, whatever its status.
func (c *Client) Ask(ctx context.Context, address string, header http.Header, body []byte) (*Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, &alert.DeliveryError{Err: errors.New("the address cannot be used"), Final: true}
	}
	for name, values := range header {
		r.Header[name] = values
	}
	answer, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	a := &Answer{Status: answer.StatusCode, Header: answer.Header}
	if a.Body, err = io.ReadAll(answer.Body); err != nil && a.Status/100 == 2 {
		return nil, c.unreached(r, err) // it cannot be told whether the server meant it
	}
	return a, nil
}
