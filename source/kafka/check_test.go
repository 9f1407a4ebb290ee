package kafka_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/secret"
	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// TestCheck has every mistake that is made with a connection, and wants the word that names it.
func TestCheck(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("checked", 3)
		a.Create("closed", 1)
		a.Deny(kafkatest.User, "topic", "closed", "read")
		a.Create("hidden", 1)
		a.Deny(kafkatest.User, "topic", "hidden", "describe")
		a.Deny(kafkatest.User, "group", "others", "read")
		login := func(mechanism, user, password string) *kafka.SASL {
			return &kafka.SASL{Mechanism: mechanism, Username: user, Password: secret.New(password)}
		}
		ok, tls := login("scram-sha-512", kafkatest.User, kafkatest.Password), &kafka.TLS{CA: c.CA()}
		f := func(what string, brokers []string, tls *kafka.TLS, sasl *kafka.SASL, topics, group string, want ...string) {
			t.Helper()
			s := kafka.Spec{Connection: kafka.Connection{Brokers: brokers, TLS: tls, SASL: sasl, Timeout: 3 * time.Second}, Topics: strings.Fields(topics), Group: group}
			report, err := kafka.Check(context.Background(), s)
			text := fmt.Sprint(err)
			if len(want) == 0 && (err != nil || len(report.Topics) == 0 || report.Topics[0].Partitions == 0 || len(report.Brokers) != 1) {
				t.Errorf("%s: %v, %v", what, report, err)
			}
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("%s: %q, want %q", what, text, w)
				}
			}
		}
		f("plain", c.Plain(), nil, nil, "checked", "checks")
		f("a pattern", c.Plain(), nil, nil, "/check.*/", "")
		f("TLS", c.TLS(), tls, nil, "checked", "")
		f("a client's certificate", c.TLS(), &kafka.TLS{CA: c.CA(), Cert: c.Cert(), Key: c.Key()}, nil, "checked", "")
		for _, m := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
			f(m+" over TLS", c.SASL(), tls, login(m, kafkatest.User, kafkatest.Password), "checked", "checks")
			f(m, c.SASLPlain(), nil, login(m, kafkatest.User, kafkatest.Password), "checked", "")
			f(m+", wrong password", c.SASL(), tls, login(m, kafkatest.User, "guess"), "checked", "", "refuses the login", "wrong username or password")
			f(m+", wrong user", c.SASLPlain(), nil, login(m, "nobody", kafkatest.Password), "checked", "", "refuses the login")
		}
		f("TLS port without TLS", c.TLS(), nil, nil, "checked", "", "speaks TLS, and the settings have no tls")
		f("TLS port with a login without TLS", c.SASL(), nil, ok, "checked", "", "speaks TLS, and the settings have no tls")
		f("plain port with TLS", c.Plain(), tls, nil, "checked", "", "leave tls out")
		f("unknown authority", c.TLS(), &kafka.TLS{}, nil, "checked", "", "signed by nobody whom we believe", "tls: {ca: FILE}")
		f("another name", c.TLS(), &kafka.TLS{CA: c.CA(), ServerName: "kafka.example.org"}, nil, "checked", "", "is not for kafka.example.org but for localhost, 127.0.0.1")
		f("login where nobody asks", c.TLS(), tls, ok, "checked", "", "asks nobody to log in")
		f("no login where one is asked for", c.SASL(), tls, nil, "checked", "", "may want a login")
		f("no login where one is asked for, without TLS", c.SASLPlain(), nil, nil, "checked", "", "may want a login")
		f("unknown topic", c.Plain(), nil, nil, "chekced", "", "topic chekced: there is none", "checked")
		f("unknown pattern", c.Plain(), nil, nil, "/nothing-.*/", "", "nothing matches /nothing-.*/")
		f("no permission to read", c.SASL(), tls, ok, "checked closed", "", "topic closed: no permission")
		f("no permission to see", c.SASL(), tls, ok, "hidden", "", "topic hidden: there is none, or no permission to see it")
		f("no permission for the group", c.SASL(), tls, ok, "checked", "others", "group others: no permission for the consumer group")
		f("one broker of two is wrong", append([]string{nobody(t)}, c.Plain()...), nil, nil, "checked", "", "nobody listens there")
	})
}

// TestCheckStrangers connects to what is no broker.
func TestCheckStrangers(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	f := func(addr string, tls bool, want string) {
		t.Helper()
		s := kafka.Spec{Connection: kafka.Connection{Brokers: []string{addr}, Timeout: 300 * time.Millisecond}, Topics: []string{"t"}}
		if tls {
			s.TLS = &kafka.TLS{}
		}
		start := time.Now()
		_, err := kafka.Check(context.Background(), s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v, want %q", addr, err, want)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	}
	f(nobody(t), false, "nobody listens there")
	f("no-such-host.invalid:9092", false, "no-such-host.invalid")
	f(strings.TrimPrefix(web.URL, "http://"), false, "is no")
	f(strings.TrimPrefix(web.URL, "http://"), true, "does not speak TLS")
	f(stranger(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), false, "says nothing")
	f(stranger(t, func(c net.Conn) {}), false, "closes the connection")
	f(stranger(t, func(c net.Conn) { _, _ = c.Write(make([]byte, 1<<20)) }), false, "no Kafka broker")
	for _, name := range []string{"none.pem", "broken.pem"} {
		file := filepath.Join(t.TempDir(), name)
		if name == "broken.pem" {
			if err := os.WriteFile(file, []byte("not a certificate"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := kafka.Check(context.Background(), kafka.Spec{Connection: kafka.Connection{Brokers: []string{"b:1"}, TLS: &kafka.TLS{CA: file}}, Topics: []string{"t"}})
		if err == nil || !strings.Contains(err.Error(), "tls.ca") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// nobody returns an address at which nobody listens.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// stranger listens, and does f with each connection before it is closed.
func stranger(t *testing.T, f func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			f(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}
