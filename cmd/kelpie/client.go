package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"kelpie/alert/post"
	"kelpie/config"
	"kelpie/journal"
	"kelpie/server"
)

// deskFlags say how what somebody says comes to the service, or to its log.
type deskFlags struct {
	data       dataFlags
	url, token string
	tls        post.TLS
	by         string
	asJSON     bool
}

const apiHelp = `The API is that at http.listen (or http.url) of the configuration (-c), with a token of it, or that at --url (KELPIE_URL,
where neither -c nor --data is given), with --token (KELPIE_TOKEN). Certificates for https are those of --ca, --cert and
--key, of KELPIE_CA, KELPIE_CERT and KELPIE_KEY, or of client: in the configuration.`

const deskHelp = `While the service runs this goes through its API. While it does not, it is written to the log in the data folder, and
carried out when the service starts.

` + apiHelp

const lookHelp = `Where an address is given, --url (or KELPIE_URL where neither -c nor --data is), this asks the API there, with --token
(KELPIE_TOKEN) of the scope read; if it wants a certificate of ours, KELPIE_CERT and KELPIE_KEY name it. Otherwise it reads the data folder, and a service that runs is not disturbed: the folder
is that of the configuration (-c), or --data DIR with log/ and state/ in it. If neither is given, it is that of kelpie.yml
here, or else the folder data.`

func (d *deskFlags) add(f *pflag.FlagSet) {
	d.addAddress(f)
	f.StringVar(&d.tls.Cert, "cert", "", "the `file` of our own certificate, if the API asks for one")
	f.StringVar(&d.tls.Key, "key", "", "the `file` of its key")
}

// addAddress is add without a certificate of ours, for a command whose --key is another one: the environment has it.
func (d *deskFlags) addAddress(f *pflag.FlagSet) {
	d.data.add(f)
	f.StringVar(&d.url, "url", "", "the `address` of the API, such as http://127.0.0.1:9470, in place of the configuration's")
	f.StringVar(&d.token, "token", "", "the `token` for the API, in place of KELPIE_TOKEN and the configuration's")
	f.StringVar(&d.tls.CA, "ca", "", "a `file` of the authorities (PEM) that sign the certificate of the API")
	f.BoolVar(&d.asJSON, "json", false, "print JSON")
}

// api returns a client of the API at an address. What no flag says about certificates the environment does, or else the
// configuration.
func (d *deskFlags) api(base, token string, configured post.TLS) (*client, error) {
	t := configured
	t.CA = cmp.Or(d.tls.CA, os.Getenv("KELPIE_CA"), t.CA)
	for _, own := range []post.TLS{{Cert: os.Getenv("KELPIE_CERT"), Key: os.Getenv("KELPIE_KEY")}, d.tls} {
		if own.Cert != "" || own.Key != "" {
			t.Cert, t.Key = own.Cert, own.Key
		}
	}
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("certificates for the API: %w", err)
	}
	c, err := t.Config()
	if err != nil {
		return nil, fmt.Errorf("certificates for the API: %w", err)
	}
	return newClient(base, token, c), nil
}

// addBy adds who says it.
func (d *deskFlags) addBy(f *pflag.FlagSet) {
	d.add(f)
	f.StringVar(&d.by, "by", "", "who says it; without it the token's `name`, or that of the user here")
}

// counter is where what somebody says is taken: the API, or the log in the folder.
type counter struct {
	flags *deskFlags
	cfg   *config.Config
	api   *client
	log   *journal.Log // nil: the API is there
}

// addressed returns a client of the API whose address is given; nil if none is.
func (d *deskFlags) addressed() (*client, error) {
	base := d.url
	if base == "" && d.data.config == "" && d.data.data == "" {
		base = os.Getenv("KELPIE_URL")
	}
	if base == "" {
		return nil, nil
	}
	return d.api(base, cmp.Or(d.token, os.Getenv("KELPIE_TOKEN")), post.TLS{})
}

// open finds the service, or takes its log while it does not run.
func (d *deskFlags) open(scope server.Scope) (*counter, error) {
	if api, err := d.addressed(); err != nil || api != nil {
		return &counter{flags: d, api: api}, err
	}
	cfg, err := d.data.load()
	if err != nil {
		return nil, err
	}
	look, err := openLog(cfg) // it must be there already
	if err != nil {
		return nil, err
	}
	if err := look.Close(); err != nil {
		return nil, err
	}
	l, err := journal.Open(cfg.Log.Dir, journal.Options{SegmentSize: cfg.Log.Segment})
	switch {
	case err == nil:
		return &counter{flags: d, cfg: cfg, log: l}, nil
	case !errors.Is(err, journal.ErrInUse):
		return nil, err
	case cfg.HTTP.Base() == "":
		return nil, fmt.Errorf("the service runs without an API: http.listen is off")
	}
	api, err := d.api(cfg.HTTP.Base(), d.tokenFor(cfg, scope), post.TLS(cfg.Client))
	return &counter{flags: d, cfg: cfg, api: api}, err
}

// tokenFor returns the token to use: one that is given, or one of the configuration that has the scope.
func (d *deskFlags) tokenFor(cfg *config.Config, scope server.Scope) string {
	if t := cmp.Or(d.token, os.Getenv("KELPIE_TOKEN")); t != "" {
		return t
	}
	for _, t := range cfg.HTTP.Tokens {
		if slices.Contains(t.Scopes, scope) {
			return t.Token.Reveal()
		}
	}
	return ""
}

func (d *counter) close() error {
	if d.log == nil {
		return nil
	}
	return d.log.Close()
}

// speaker returns who says it: with a token it is the token's.
func (d *counter) speaker() string {
	if d.flags.by != "" || d.api != nil && d.api.token != "" {
		return d.flags.by
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}

// write appends an entry to the log.
func (d *counter) write(ctx context.Context, kind journal.Kind, payload []byte) (at int64, err error) {
	done, err := d.log.Append(ctx, kind, payload)
	return done.First, err
}

// client talks to the API.
type client struct {
	base, token string
	http        http.Client
}

func newClient(base, token string, certificates *tls.Config) *client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, t.DisableKeepAlives = certificates, true // one request, and we are gone
	return &client{strings.TrimRight(base, "/"), token, http.Client{Transport: t, Timeout: time.Minute}}
}

// unanswered says why there is no answer, and what helps.
func unanswered(err error) error {
	var stranger x509.UnknownAuthorityError
	var broken *net.OpError
	switch {
	case errors.As(err, &stranger):
		return fmt.Errorf("the API's certificate is not trusted: %w\n    name the file of the authority that signed it: --ca, KELPIE_CA, or client.ca of the configuration", err)
	case errors.As(err, &broken) && broken.Op == "remote error": // an alert of TLS
		return fmt.Errorf("the API refuses the connection: %w\n    does it ask for a certificate of ours? --cert and --key, KELPIE_CERT and KELPIE_KEY, or client: of the configuration", err)
	}
	return fmt.Errorf("the API does not answer: %w\n    is this the address of a service that runs? --url says another one", err)
}

// problemDoc is an answer that says why not.
type problemDoc struct{ Title, Detail string }

// call sends a request, with a body unless that is nil, and returns the answer's body.
func (c *client) call(ctx context.Context, method, path string, body any) ([]byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("--url %q: %w", c.base, err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	a, err := c.http.Do(r)
	if err != nil {
		return nil, unanswered(err)
	}
	defer a.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(a.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("the API's answer did not come whole: %w", err)
	}
	if a.StatusCode < 300 {
		return answer, nil
	}
	var p problemDoc
	if err := json.Unmarshal(answer, &p); err != nil || p.Title == "" {
		return nil, fmt.Errorf("the API at %s answers %s", c.base, a.Status)
	}
	switch a.StatusCode {
	case http.StatusUnauthorized:
		return nil, fmt.Errorf("the API wants a token: --token, KELPIE_TOKEN, or the configuration of the service, -c")
	case http.StatusForbidden:
		return nil, fmt.Errorf("the token does not allow this: %s", p.Detail)
	}
	return nil, fmt.Errorf("%s: %s", strings.ToLower(p.Title[:1])+p.Title[1:], p.Detail)
}
