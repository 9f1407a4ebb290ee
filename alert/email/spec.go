package email

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"kelpie/alert/post"
	"kelpie/secret"
)

// Spec is the part `email:` of a receiver.
type Spec struct {
	Server     string        `yaml:"server"`     // host, or host:port; the port's default is 587, with encryption tls 465, with none 25
	Encryption string        `yaml:"encryption"` // starttls (default), tls (from the first byte) or none
	Username   string        `yaml:"username"`   // with a password: how to log in
	Password   secret.Value  `yaml:"password"`
	Auth       string        `yaml:"auth"`    // auto (default), plain, login, scram-sha-1 or scram-sha-256
	Hello      string        `yaml:"hello"`   // our name; default that of the machine
	From       string        `yaml:"from"`    // kelpie@example.org or Kelpie <kelpie@example.org>
	To         []string      `yaml:"to"`      // each gets a message of its own
	Subject    string        `yaml:"subject"` // template; default {{.title}}
	Timeout    time.Duration `yaml:"timeout"` // of one attempt; default 30s
	TLS        post.TLS      `yaml:"tls"`
}

// The words of encryption.
const (
	startTLS = "starttls"
	fullTLS  = "tls"
	noTLS    = "none"
)

const (
	defaultTimeout = 30 * time.Second
	defaultSubject = "{{.title}}"
	mostRecipients = 50
)

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, _, err := s.address(); err != nil {
		wrong("server: %w", err)
	}
	switch s.Encryption {
	case "", startTLS, fullTLS, noTLS:
	default:
		wrong("encryption: must be starttls, tls or none")
	}
	if (s.Username == "") != s.Password.IsZero() {
		wrong("username: a username needs a password, and a password a username")
	}
	if s.Encryption == noTLS && !s.Password.IsZero() {
		wrong("password: is not sent without encryption")
	}
	if _, ok := mechanisms[s.Auth]; !ok {
		wrong("auth: must be auto, plain, login, scram-sha-1 or scram-sha-256")
	}
	if strings.ContainsFunc(s.Hello, func(r rune) bool { return r <= ' ' || r > '~' }) {
		wrong("hello: is no name of a host")
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		wrong("from: must be an address such as Kelpie <kelpie@example.org>")
	}
	if len(s.To) == 0 || len(s.To) > mostRecipients {
		wrong("to: 1 to %d addresses are needed", mostRecipients)
	}
	for i, to := range s.To {
		if _, err := mail.ParseAddress(to); err != nil {
			wrong("to.%d: must be an address such as team@example.org", i)
		}
	}
	if _, err := parseSubject(s.Subject); err != nil {
		wrong("subject: %w", err)
	}
	if s.Timeout < 0 || s.Timeout > 5*time.Minute {
		wrong("timeout: must be at most 5m")
	}
	return errors.Join(errs...)
}

// Where says who is told.
func (s Spec) Where() string { return strings.Join(s.To, ", ") }

// Paths returns the settings that are paths of files.
func (s *Spec) Paths() []*string { return s.TLS.Paths() }

// address returns the server's host and port.
func (s Spec) address() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(s.Server)
	if err != nil {
		host, text = strings.Trim(s.Server, "[]"), map[string]string{fullTLS: "465", noTLS: "25"}[s.Encryption]
		if text == "" {
			text = "587"
		}
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if host == "" || strings.ContainsAny(host, " /@") || err != nil || n == 0 {
		return "", 0, errors.New("must be a host, or host:port, such as mail.example.org:587")
	}
	return host, int(n), nil
}
