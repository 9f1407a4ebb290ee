package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kelpie/engine"
	"kelpie/secret"
)

// Off is the address of an API that nobody can reach.
const Off = "off"

// Spec is the part `http:` of the configuration.
type Spec struct {
	Listen string  `yaml:"listen"` // host:port, or off; default 127.0.0.1:9470
	URL    string  `yaml:"url"`    // under which others reach it, for links; default http://LISTEN
	TLS    TLS     `yaml:"tls"`
	Tokens []Token `yaml:"tokens"` // none: only this machine is answered, and everything is allowed

	MaxBody   int64         `yaml:"max_body" unit:"bytes"` // of a request, as it comes and unpacked; default 10 MiB
	Dedupe    time.Duration `yaml:"dedupe"`                // for how long an event's id is remembered; default 10m, 0s is not at all
	DedupeIDs int           `yaml:"dedupe_ids"`            // how many ids are remembered at most, the newest; default 1,000,000

	DecideWithin  time.Duration `yaml:"decide_within"`  // how long a decision may take; default 50ms
	DecideDefault string        `yaml:"decide_default"` // the answer when it would take longer; default allow

	Connections int   `yaml:"connections"`         // at once; default 1024
	Requests    int   `yaml:"requests"`            // that are worked on at once; default 256
	Memory      int64 `yaml:"memory" unit:"bytes"` // that the bodies of requests may take together; default 256 MiB
}

// TLS says where certificates are. Files that change are read again.
type TLS struct {
	Cert     string `yaml:"cert"`      // PEM file
	Key      string `yaml:"key"`       // PEM file
	ClientCA string `yaml:"client_ca"` // PEM file: clients must have a certificate of these authorities
}

// Token lets its bearer do what its scopes say.
type Token struct {
	Name   string       `yaml:"name"`   // who that is, as metrics and entries of the log show it
	Token  secret.Value `yaml:"token"`  // at least 16 bytes
	Scopes []Scope      `yaml:"scopes"` // one or more
}

// Scope is what a caller may do.
type Scope string

// The scopes.
const (
	Ingest  Scope = "ingest"  // post events
	Decide  Scope = "decide"  // ask for decisions
	Read    Scope = "read"    // see alerts, rules, tables, features
	Operate Scope = "operate" // acknowledge, label, resolve, silence, reload
)

var scopes = []Scope{Ingest, Decide, Read, Operate}

// DefaultSpec returns the settings that hold where nothing is said.
func DefaultSpec() Spec {
	return Spec{
		Listen: "127.0.0.1:9470", MaxBody: 10 << 20, Dedupe: 10 * time.Minute, DedupeIDs: 1_000_000,
		DecideWithin: 50 * time.Millisecond, DecideDefault: engine.Allow,
		Connections: 1024, Requests: 256, Memory: 256 << 20,
	}
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	if s.Listen == Off {
		return nil
	}
	errs := []error{s.validateListen(), s.validateURL(), s.validateTokens(), s.validateLimits(), s.validateDecide()}
	if (s.TLS.Cert == "") != (s.TLS.Key == "") {
		errs = append(errs, errors.New("tls: cert and key are needed both"))
	}
	if s.TLS.ClientCA != "" && s.TLS.Cert == "" {
		errs = append(errs, errors.New("tls: client_ca needs cert and key"))
	}
	return errors.Join(errs...)
}

func (s Spec) validateListen() error {
	host, port, err := net.SplitHostPort(s.Listen)
	if _, numeric := strconv.ParseUint(port, 10, 16); err != nil || numeric != nil {
		return fmt.Errorf("listen: %q is no address: write host:port, such as 127.0.0.1:9470, or off", s.Listen)
	}
	if len(s.Tokens) == 0 && !isLoopback(host) {
		return fmt.Errorf("listen: without tokens everybody who reaches %s could post and read: name tokens, or listen on 127.0.0.1", s.Listen)
	}
	return nil
}

// isLoopback reports whether a host can only be this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func (s Spec) validateURL() error {
	if s.URL == "" {
		return nil
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("url: %q is no address: write one such as https://kelpie.example.com", s.URL)
	}
	return nil
}

func (s Spec) validateTokens() error {
	var errs []error
	names, values := map[string]bool{}, map[string]bool{}
	for i, t := range s.Tokens {
		switch {
		case t.Name == "":
			errs = append(errs, fmt.Errorf("tokens.%d: a name is needed", i))
		case names[t.Name]:
			errs = append(errs, fmt.Errorf("tokens.%d: there are two tokens %q", i, t.Name))
		case len(t.Token.Reveal()) < shortestToken:
			errs = append(errs, fmt.Errorf("tokens.%d: a token has at least %d bytes: make one with `openssl rand -hex 32`", i, shortestToken))
		case !isTokenText(t.Token.Reveal()):
			errs = append(errs, fmt.Errorf("tokens.%d: a token is made of letters, digits and -._~+/=", i))
		case values[t.Token.Reveal()]:
			errs = append(errs, fmt.Errorf("tokens.%d: two names have the same token", i))
		case len(t.Scopes) == 0:
			errs = append(errs, fmt.Errorf("tokens.%d: scopes are needed: ingest, decide, read, operate", i))
		}
		for _, x := range t.Scopes {
			if !slices.Contains(scopes, x) {
				errs = append(errs, fmt.Errorf("tokens.%d: there is no scope %q: there are ingest, decide, read, operate", i, x))
			}
		}
		names[t.Name], values[t.Token.Reveal()] = true, true
	}
	return errors.Join(errs...)
}

const (
	shortestToken = 16
	longestToken  = 4096
)

// isTokenText reports whether a text may stand behind Bearer (RFC 6750, b64token).
func isTokenText(s string) bool {
	body := strings.TrimRight(s, "=")
	return body != "" && len(s) <= longestToken && strings.Trim(body, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/") == ""
}

func (s Spec) validateLimits() error {
	var errs []error
	bounds := func(name string, is, least, most int64, words string) {
		if is < least || is > most {
			errs = append(errs, fmt.Errorf("%s: must be %s", name, words))
		}
	}
	bounds("max_body", s.MaxBody, 1<<10, 128<<20, "from 1KiB to 128MiB")
	bounds("dedupe", int64(s.Dedupe), 0, int64(24*time.Hour), "at most 24h")
	bounds("dedupe_ids", int64(s.DedupeIDs), 1, 100_000_000, "from 1 to 100000000")
	bounds("connections", int64(s.Connections), 1, 1_000_000, "from 1 to 1000000")
	bounds("requests", int64(s.Requests), 1, 100_000, "from 1 to 100000")
	if s.Memory < 4*s.MaxBody {
		errs = append(errs, errors.New("memory: must be at least four times max_body"))
	}
	return errors.Join(errs...)
}

// Base returns the address under which others reach the API, without a slash at its end; "" if it is off.
func (s Spec) Base() string {
	switch {
	case s.Listen == Off:
		return ""
	case s.URL != "":
		return strings.TrimRight(s.URL, "/")
	case s.TLS.Cert != "":
		return "https://" + s.Listen
	}
	return "http://" + s.Listen
}
