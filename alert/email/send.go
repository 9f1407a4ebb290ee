package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/alert/words"
)

// mechanisms are the words of auth.
var mechanisms = map[string][]gomail.SMTPAuthType{
	"":              {gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin},
	"auto":          {gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin},
	"plain":         {gomail.SMTPAuthPlain},
	"login":         {gomail.SMTPAuthLogin},
	"scram-sha-1":   {gomail.SMTPAuthSCRAMSHA1},
	"scram-sha-256": {gomail.SMTPAuthSCRAMSHA256},
}

// send sends the messages over one connection.
func (n *Notifier) send(ctx context.Context, messages []*gomail.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, n.spec.Timeout)
	defer cancel()
	l := &line{ctx: ctx}
	defer l.close()
	client, err := gomail.NewClient(n.host, n.options(l)...)
	if err != nil {
		return &alert.DeliveryError{Err: err, Final: true}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return n.failure(ctx, err)
	}
	err = client.SendWithSMTPClient(session, messages...)
	if outcome := n.outcome(ctx, messages, err); outcome != nil {
		return outcome
	}
	_ = client.CloseWithSMTPClient(session) // all has been taken; how it says goodbye does not matter
	return nil
}

// options are those of the client.
func (n *Notifier) options(l *line) []gomail.Option {
	policy, dial := gomail.TLSMandatory, l.plain
	switch n.spec.Encryption {
	case noTLS:
		policy = gomail.NoTLS
	case fullTLS:
		policy, dial = gomail.NoTLS, l.encrypted(n.config)
	}
	o := []gomail.Option{
		gomail.WithPort(n.port), gomail.WithTimeout(n.spec.Timeout), gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(n.config),
		gomail.WithDialContextFunc(dial), gomail.WithoutNoop(),
	}
	if n.spec.Hello != "" {
		o = append(o, gomail.WithHELO(n.spec.Hello))
	}
	if n.spec.Username != "" {
		o = append(o, gomail.WithUsername(n.spec.Username), gomail.WithPassword(n.spec.Password.Reveal()))
		if list := mechanisms[n.spec.Auth]; len(list) == 1 {
			o = append(o, gomail.WithSMTPAuth(list[0]))
		} else {
			o = append(o, gomail.WithOpportunisticSMTPAuth(list...))
		}
	}
	return o
}

// line is a connection that ends with a context.
type line struct {
	ctx  context.Context
	conn net.Conn
	stop func() bool
}

func (l *line) plain(ctx context.Context, network, address string) (net.Conn, error) {
	return l.keep(new(net.Dialer).DialContext(ctx, network, address))
}

func (l *line) encrypted(c *tls.Config) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return l.keep((&tls.Dialer{Config: c}).DialContext(ctx, network, address))
	}
}

func (l *line) keep(conn net.Conn, err error) (net.Conn, error) {
	if err == nil {
		l.conn = conn
		l.stop = context.AfterFunc(l.ctx, func() { conn.Close() })
	}
	return conn, err
}

func (l *line) close() {
	if l.conn != nil {
		l.stop()
		l.conn.Close()
	}
}

// failure makes an error of a session that did not come about: that says nothing of the messages.
func (n *Notifier) failure(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", n.spec.Server, ended)
	}
	return errors.New(n.said(err))
}

// outcome says what became of the messages; nil if all were taken.
func (n *Notifier) outcome(ctx context.Context, messages []*gomail.Msg, sent error) error {
	var refused, other []string
	for i, m := range messages {
		if m.IsDelivered() {
			continue
		}
		err := m.SendError()
		if err == nil {
			err = sent
		}
		text := n.spec.To[i] + ": " + n.said(err)
		if final(err) {
			refused = append(refused, text)
		} else {
			other = append(other, text)
		}
	}
	if len(refused)+len(other) == 0 {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", n.spec.Server, ended)
	}
	text := words.Line(strings.Join(append(other, refused...), "; "), 1000)
	if told := len(messages) - len(refused) - len(other); told > 0 {
		text += fmt.Sprintf(" (%d of %d were told)", told, len(messages))
	}
	return &alert.DeliveryError{Err: errors.New(text), Final: len(other) == 0}
}

// final reports whether the server refuses a message for good (5xx), but for what says that we are not logged in.
func final(err error) bool {
	var e *gomail.SendError
	if !errors.As(err, &e) {
		return false
	}
	switch code := e.ErrorCode(); code {
	case 530, 534, 535, 538:
		return false
	default:
		return code/100 == 5
	}
}

// said returns what went wrong, in one line, without the password.
func (n *Notifier) said(err error) string {
	if err == nil {
		return "it was not taken"
	}
	return words.Line(post.Mask(err.Error(), n.spec.Password.Reveal()), 300)
}
