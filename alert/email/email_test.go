package email

import (
	"encoding/pem"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/email/emailtest"
	"kelpie/alert/post"
	"kelpie/secret"
)

func specOf(t *testing.T, s *emailtest.Server) Spec {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Authority()}), 0o600); err != nil {
		t.Fatal(err)
	}
	return Spec{
		Server: s.Address, Username: emailtest.Username, Password: secret.New(emailtest.Password), Hello: "kelpie.example",
		From: "Kelpie <kelpie@example.org>", To: []string{"Ann <ann@example.org>"}, TLS: post.TLS{CA: ca, ServerName: "example.com"},
	}
}

func open(t *testing.T, s Spec) *Notifier {
	t.Helper()
	n, err := New(s, post.Options{Agent: "kelpie/test", Now: func() time.Time { return time.UnixMilli(alerttest.Alert(0).Opened) }})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// letter is a message as a program for mail reads it.
type letter struct {
	header      mail.Header
	subject     string
	plain, html string
}

func read(t *testing.T, data string) (l letter) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatalf("%v: %.500s", err, data)
	}
	l.header = m.Header
	if l.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Error(err)
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return l
		}
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Error(err)
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			l.html = string(b)
		} else {
			l.plain = string(b)
		}
	}
}

func TestConformance(t *testing.T) {
	f := func(implicit bool, change func(s *emailtest.Server, spec *Spec)) func(t *testing.T) {
		return func(t *testing.T) {
			alerttest.TestGroupNotifier(t, func(t *testing.T) alerttest.GroupSubject {
				s := emailtest.New(t, implicit)
				spec := specOf(t, s)
				if implicit {
					spec.Encryption = fullTLS
				}
				change(s, &spec)
				arrived := func() (all []string) {
					for _, m := range s.Mails() {
						if !m.Secure || m.User != emailtest.Username {
							t.Errorf("sent to %s: encrypted %v, by %q", m.To, m.Secure, m.User)
						}
						l := read(t, m.Data)
						all = append(all, l.subject+"\n"+l.plain)
					}
					return all
				}
				return alerttest.GroupSubject{
					Notifier: open(t, spec), Arrived: arrived, Answer: s.Answer, Reached: s.Reached, Secrets: []string{emailtest.Password},
				}
			})
		}
	}
	t.Run("starttls, plain", f(false, func(*emailtest.Server, *Spec) {}))
	t.Run("tls, login", f(true, func(s *emailtest.Server, spec *Spec) { spec.Auth, s.Mechanisms = "login", "LOGIN" }))
	t.Run("starttls, scram", f(false, func(s *emailtest.Server, _ *Spec) { s.Mechanisms = "PLAIN SCRAM-SHA-256" }))
}

// TestMail reads a message as it arrives.
func TestMail(t *testing.T) {
	s := emailtest.New(t, false)
	spec := specOf(t, s)
	spec.Subject, spec.To = "{{.severity}}: {{.rule}} {{.key}} ({{.alerts}})", []string{"ann@example.org", "Bob <bob@example.org>"}
	n := open(t, spec)
	opened := alerttest.Group(2, alert.KindOpened)
	opened.Alerts[0].Alert.Message = "<b>bold</b>\n.\nBcc: eve"
	for _, note := range []*alert.Notification{opened, alerttest.Group(2, alert.KindResolved), opened} {
		if _, err := n.NotifyGroup(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	mails := s.Mails()
	if len(mails) != 6 || mails[0].From != "kelpie@example.org" || mails[0].To != "ann@example.org" || mails[1].To != "bob@example.org" {
		t.Fatalf("%+v", mails)
	}
	first, last, again := read(t, mails[0].Data), read(t, mails[2].Data), read(t, mails[4].Data)
	if first.subject != "high: order-burst c0 (2)" {
		t.Errorf("the subject is %q", first.subject)
	}
	id := func(l letter) string { return l.header.Get("Message-ID") }
	if id(first) != id(again) || id(first) == id(last) || !strings.HasSuffix(id(first), "@example.org>") {
		t.Errorf("ids %s, %s, %s", id(first), id(last), id(again))
	}
	for _, name := range []string{"In-Reply-To", "References"} {
		if got := first.header.Get(name); got == "" || got != last.header.Get(name) {
			t.Errorf("%s: %s and %s", name, got, last.header.Get(name))
		}
	}
	if first.header.Get("Auto-Submitted") != "auto-generated" || first.header.Get("User-Agent") != "kelpie/test" || first.header.Get("Date") == "" {
		t.Errorf("%v", first.header)
	}
	for _, want := range []string{"order-burst c0", "orders = 6 (> 5)", "<b>bold</b>\n.\nBcc: eve", "run: kelpie alerts show id-0 --events", "https://kelpie.example/alerts/id-1"} {
		if !strings.Contains(strings.ReplaceAll(first.plain, "\r\n", "\n"), want) {
			t.Errorf("%q is not said in\n%s", want, first.plain)
		}
	}
	if !strings.Contains(first.html, "&lt;b&gt;bold&lt;/b&gt;") || !strings.Contains(first.html, `<a href="https://kelpie.example/alerts/id-0">`) {
		t.Errorf("%s", first.html)
	}
}

// TestRefused wants those who can be told to be told, and each failure to say what another try can do.
func TestRefused(t *testing.T) {
	s := emailtest.New(t, false)
	f := func(want string, final bool, change func(spec *Spec)) {
		t.Helper()
		spec := specOf(t, s)
		change(&spec)
		_, err := open(t, spec).NotifyGroup(t.Context(), alerttest.Group(1, alert.KindOpened))
		if err == nil || !strings.Contains(err.Error(), want) || alert.Permanent(err) != final || strings.Contains(err.Error(), emailtest.Password) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%v, permanent %v; want %s", err, alert.Permanent(err), want)
		}
	}
	f(`550 "5.1.1 no such user"`, true, func(spec *Spec) { spec.To = []string{emailtest.Refused} })
	f("(2 of 3 were told)", true, func(spec *Spec) { spec.To = []string{"ann@example.org", emailtest.Refused, "bob@example.org"} })
	if got := s.Mails(); len(got) != 2 || got[1].To != "bob@example.org" {
		t.Errorf("%+v", got)
	}
	f("535", false, func(spec *Spec) { spec.Password = secret.New("wr0ng") })
	s.Mechanisms = "SCRAM-SHA-256"
	f("535", false, func(spec *Spec) { spec.Password = secret.New("wr0ng") })
	s.Mechanisms = "PLAIN LOGIN"
	f("530", false, func(spec *Spec) { spec.Username, spec.Password = "", secret.Value{} })
	f("certificate", false, func(spec *Spec) { spec.TLS.ServerName = "elsewhere.example" })
	f("SCRAM", false, func(spec *Spec) { spec.Auth = "scram-sha-256" })
	f("connection refused", false, func(spec *Spec) { spec.Server = "127.0.0.1:1" })
	s.NoStartTLS = true
	f("STARTTLS", false, func(*Spec) {})
	s.Mechanisms = ""
	spec := specOf(t, s)
	spec.Encryption, spec.Username, spec.Password = noTLS, "", secret.Value{}
	if _, err := open(t, spec).NotifyGroup(t.Context(), alerttest.Group(1, alert.KindOpened)); err != nil {
		t.Error(err)
	}
}

// FuzzMail puts any text into every place: the header holds what we put there and nothing else.
func FuzzMail(f *testing.F) {
	for _, text := range alerttest.HostileTexts() {
		f.Add(text[:min(len(text), 3000)])
	}
	n, err := New(Spec{Server: "mail.example", From: "kelpie@example.org", To: []string{"ann@example.org"}, Subject: "{{.rule}}{{.key}}{{.group}}{{.title}}"}, post.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		note := alerttest.Group(2, alert.KindOpened)
		note.Key, note.Group, note.Receiver, note.Link, note.Labels = text, text, text, text, map[string]string{text: text}
		for _, notice := range note.Alerts {
			a := notice.Alert
			a.Rule, a.Key, a.Message, a.Severity, a.ID = text, []string{text}, text, text, text
		}
		m, err := n.message(note, "ann@example.org")
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if _, err := m.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		l := read(t, b.String())
		if l.plain == "" || l.html == "" || strings.ContainsAny(l.subject, "\r\n") {
			t.Errorf("subject %q, %d and %d bytes", l.subject, len(l.plain), len(l.html))
		}
		allowed := " Auto-Submitted Content-Type Date From In-Reply-To Message-Id Mime-Version References Subject To User-Agent X-Mailer "
		for name := range l.header {
			if !strings.Contains(allowed, " "+name+" ") {
				t.Errorf("there is a header %s: %q", name, l.header[name])
			}
		}
		if got := l.header.Get("To"); !strings.Contains(got, "ann@example.org") || strings.Contains(got, ",") {
			t.Errorf("to %s", got)
		}
	})
}

func TestValidate(t *testing.T) {
	f := func(want string, change func(s *Spec)) {
		t.Helper()
		s := Spec{Server: "mail.example", Username: "kelpie", Password: secret.New("hush"), From: "kelpie@example.org", To: []string{"ann@example.org"}}
		change(&s)
		err := s.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%v, want %s", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	f("", func(*Spec) {})
	f("", func(s *Spec) { s.Server, s.Encryption = "[::1]:465", fullTLS })
	f("server: ", func(s *Spec) { s.Server = "" })
	f("server: ", func(s *Spec) { s.Server = "mail.example:smtp" })
	f("server: ", func(s *Spec) { s.Server = "smtp://mail.example" })
	f("encryption: ", func(s *Spec) { s.Encryption = "ssl" })
	f("password: ", func(s *Spec) { s.Encryption = noTLS })
	f("username: ", func(s *Spec) { s.Username = "" })
	f("auth: ", func(s *Spec) { s.Auth = "cram-md5" })
	f("hello: ", func(s *Spec) { s.Hello = "a\r\nMAIL" })
	f("from: ", func(s *Spec) { s.From = "kelpie" })
	f("to: ", func(s *Spec) { s.To = nil })
	f("to.1: ", func(s *Spec) { s.To = append(s.To, "ann@example.org\r\nBcc: eve@example.org") })
	f("subject: ", func(s *Spec) { s.Subject = "{{.titel}}" })
	f("timeout: ", func(s *Spec) { s.Timeout = time.Hour })
	p := func(server, encryption, host string, port int) {
		t.Helper()
		h, got, err := Spec{Server: server, Encryption: encryption}.address()
		if err != nil || h != host || got != port {
			t.Errorf("%s is %s, %d, %v", server, h, got, err)
		}
	}
	p("mail.example", "", "mail.example", 587)
	p("mail.example", fullTLS, "mail.example", 465)
	p("mail.example", noTLS, "mail.example", 25)
	p("mail.example:2525", noTLS, "mail.example", 2525)
}
