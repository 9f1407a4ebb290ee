// Package emailtest is a mail server on this machine, which keeps what it takes and fails as a test says.
package emailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"kelpie/alert/alerttest"
)

// What the server knows.
const (
	Username = "kelpie"
	Password = "hush hush"
	Refused  = "nobody@example.org" // an address that is not there
)

// Mail is a message that was taken.
type Mail struct {
	From, To string // of the envelope
	Data     string
	Secure   bool   // it came over TLS
	User     string // who had logged in
}

// Server is the server.
type Server struct {
	Address string
	Reached chan struct{} // gets a value when a connection has come to a server that hangs
	// Mechanisms are those of AUTH that are offered after STARTTLS.
	Mechanisms string
	// NoStartTLS says that encryption is not offered.
	NoStartTLS bool

	t        *testing.T
	tls      *tls.Config
	implicit bool
	listener net.Listener
	over     chan struct{}
	sessions sync.WaitGroup

	mu     sync.Mutex
	answer alerttest.Answer
	mails  []Mail
}

// New starts a server. With implicit, it speaks TLS from the first byte. Authority returns who signed its certificate.
func New(t *testing.T, implicit bool) *Server {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	config := &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}
	web.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Address: l.Addr().String(), Reached: make(chan struct{}, 1000), Mechanisms: "PLAIN LOGIN",
		t: t, tls: config, implicit: implicit, listener: l, over: make(chan struct{}),
	}
	s.sessions.Go(s.accept)
	t.Cleanup(func() {
		close(s.over)
		l.Close()
		s.sessions.Wait()
	})
	return s
}

// Authority returns the certificate that signs the server's, in DER. It is for example.com.
func (s *Server) Authority() []byte { return s.tls.Certificates[0].Certificate[0] }

// Answer says how the server answers from now on.
func (s *Server) Answer(a alerttest.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = a
}

// Mails returns what was taken.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

func (s *Server) now() alerttest.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // it is closed
		}
		s.sessions.Go(func() {
			defer conn.Close()
			if s.implicit {
				conn = tls.Server(conn, s.tls)
			}
			e := &session{s: s, conn: conn, secure: s.implicit}
			e.serve()
		})
	}
}

// session is one connection.
type session struct {
	s        *Server
	conn     net.Conn
	in       *textproto.Reader
	secure   bool
	user     string
	from, to string
}

func (e *session) say(format string, args ...any) {
	fmt.Fprintf(e.conn, format+"\r\n", args...) // a client that has gone is noticed when it is read from
}

func (e *session) serve() {
	e.in = textproto.NewReader(bufio.NewReader(e.conn))
	switch e.s.now() {
	case alerttest.Hang:
		e.s.Reached <- struct{}{}
		<-e.s.over
		return
	case alerttest.Broken:
		e.say("421 4.3.2 shutting down")
		return
	}
	e.say("220 mail.example ESMTP")
	for {
		line, err := e.in.ReadLine()
		if err != nil || !e.command(line) {
			return
		}
	}
}

// command answers a line; false ends the session.
func (e *session) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		e.hello()
	case "STARTTLS":
		e.say("220 go ahead")
		e.conn, e.secure = tls.Server(e.conn, e.s.tls), true
		e.in = textproto.NewReader(bufio.NewReader(e.conn))
	case "AUTH":
		e.auth(rest)
	case "MAIL":
		e.mail(rest)
	case "RCPT":
		if e.to = between(rest); e.to == Refused || e.s.now() == alerttest.Refuse {
			e.say("550 5.1.1 no such user")
			return true
		}
		e.say("250 ok")
	case "DATA":
		e.data()
	case "RSET", "NOOP":
		e.say("250 ok")
	case "QUIT":
		e.say("221 bye")
		return false
	default:
		e.say("502 5.5.1 what?")
	}
	return true
}

func (e *session) hello() {
	e.say("250-mail.example")
	if !e.secure && !e.s.NoStartTLS {
		e.say("250-STARTTLS")
	}
	if e.secure && e.s.Mechanisms != "" {
		e.say("250-AUTH %s", e.s.Mechanisms)
	}
	e.say("250 8BITMIME")
}

func (e *session) auth(rest string) {
	mechanism, initial, _ := strings.Cut(rest, " ")
	var user, password string
	switch mechanism {
	case "PLAIN":
		parts := strings.Split(decode(initial), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		user, password = e.ask("Username:"), e.ask("Password:")
	case "SCRAM-SHA-256":
		e.scram(decode(initial))
		return
	default:
		e.say("504 5.5.4 unknown mechanism")
		return
	}
	if user != Username || password != Password {
		e.say("535 5.7.8 %s is not the password", password)
		return
	}
	e.user = user
	e.say("235 2.7.0 welcome")
}

// ask sends a challenge and returns the answer.
func (e *session) ask(question string) string {
	e.say("334 %s", base64.StdEncoding.EncodeToString([]byte(question)))
	line, err := e.in.ReadLine()
	if err != nil {
		return ""
	}
	return decode(line)
}

func decode(text string) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(b)
}

func (e *session) mail(rest string) {
	switch {
	case e.s.now() == alerttest.Busy:
		e.say("451 4.7.1 come back later")
	case e.s.Mechanisms != "" && e.user == "":
		e.say("530 5.7.0 log in first")
	default:
		e.from = between(rest)
		e.say("250 ok")
	}
}

func (e *session) data() {
	e.say("354 go on")
	b, err := io.ReadAll(e.in.DotReader())
	if err != nil {
		return
	}
	e.s.mu.Lock()
	e.s.mails = append(e.s.mails, Mail{From: e.from, To: e.to, Data: string(b), Secure: e.secure, User: e.user})
	e.s.mu.Unlock()
	e.say("250 2.0.0 taken")
}

// between returns what stands between < and >.
func between(text string) string {
	_, text, _ = strings.Cut(text, "<")
	text, _, _ = strings.Cut(text, ">")
	return text
}
