// Package email tells people by mail, over SMTP.
//
// Each recipient gets a message of its own, so that one address that is refused keeps nobody else from being told. The
// Message-ID is made of the notification's key, so that what is sent twice can be told from two messages; all messages of
// a group refer to the same one, so that they stand in one thread.
package email

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"text/template"

	gomail "github.com/wneessen/go-mail"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/alert/words"
)

// Notifier sends mail to some people.
type Notifier struct {
	spec    Spec
	o       post.Options
	subject *template.Template
	config  *tls.Config
	domain  string // of our address
	host    string
	port    int
}

// New returns a notifier with the given settings, which must be valid.
func New(s Spec, o post.Options) (*Notifier, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	n := &Notifier{spec: s, o: o.WithDefaults()}
	var err error
	if n.config, err = s.TLS.Config(); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	if n.subject, err = parseSubject(s.Subject); err != nil {
		return nil, fmt.Errorf("email: subject: %w", err)
	}
	if n.host, n.port, err = s.address(); err != nil {
		return nil, fmt.Errorf("email: server: %w", err)
	}
	if n.config.ServerName == "" {
		n.config.ServerName = n.host
	}
	if n.spec.Timeout == 0 {
		n.spec.Timeout = defaultTimeout
	}
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return nil, fmt.Errorf("email: from: %w", err)
	}
	n.domain = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	if strings.ContainsFunc(n.domain, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>[]", r) }) {
		n.domain = "kelpie.invalid" // an id is in ASCII
	}
	return n, nil
}

// Close implements io.Closer. There is nothing to close: each attempt has a connection of its own.
func (n *Notifier) Close() error { return nil }

// NotifyGroup implements alert.GroupNotifier.
func (n *Notifier) NotifyGroup(ctx context.Context, note *alert.Notification) (memo string, err error) {
	var messages []*gomail.Msg
	for _, to := range n.spec.To {
		m, err := n.message(note, to)
		if err != nil {
			return "", &alert.DeliveryError{Err: fmt.Errorf("email: %w", err), Final: true}
		}
		messages = append(messages, m)
	}
	if err := n.send(ctx, messages); err != nil {
		return "", fmt.Errorf("email: %w", err)
	}
	return "", nil
}

// message writes the message to one recipient.
func (n *Notifier) message(note *alert.Notification, to string) (*gomail.Msg, error) {
	plain, html, err := bodies(note)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(n.spec.From), m.To(to)); err != nil {
		return nil, err
	}
	m.Subject(n.subjectOf(note))
	m.SetDateWithValue(n.o.Now())
	m.SetMessageIDWithValue(n.id("key", note.Key))
	thread := "<" + n.id("group", note.Group) + ">"
	m.SetGenHeader(gomail.HeaderInReplyTo, thread)
	m.SetGenHeader(gomail.HeaderReferences, thread)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetUserAgent(n.o.Agent)
	m.SetBodyString(gomail.TypeTextPlain, plain)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	return m, nil
}

// id makes the id of a message.
func (n *Notifier) id(kind, of string) string {
	sum := sha256.Sum256([]byte(of))
	return kind + "." + hex.EncodeToString(sum[:16]) + "@" + n.domain
}

// subjectOf writes the subject: one line, whatever the template and the events say.
func (n *Notifier) subjectOf(note *alert.Notification) string {
	text, err := writeSubject(n.subject, note)
	if err != nil || strings.TrimSpace(text) == "" {
		text = words.Title(note, longestSubject)
	}
	return words.Line(text, longestSubject)
}
