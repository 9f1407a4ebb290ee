package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
)

// ConnectError says why there is no connection to a broker: what happened, and what is likely to help.
type ConnectError struct {
	Addr   string // host:port
	What   string // a sentence without its subject, which is the address
	Hint   string // what to do; may be ""
	Fix    bool   // the settings are wrong: trying again does not help
	reason error
}

// Error returns all of it in one line.
func (e *ConnectError) Error() string {
	text := "broker " + e.Addr + ": " + e.What
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Unwrap returns what the network, or the broker, said.
func (e *ConnectError) Unwrap() error { return e.reason }

// stage is what was being done when a connection failed.
type stage uint8

const (
	dialing stage = iota
	handshaking
	greeting
	loggingIn
	asking  // for the first time
	working // after answers
)

// explain puts into words why a stage failed.
func (d *dialer) explain(s stage, addr string, err error) error {
	e := &ConnectError{Addr: addr, reason: err}
	fix := func(what, hint string, args ...any) *ConnectError {
		e.What, e.Hint, e.Fix = fmt.Sprintf(what, args...), hint, true
		return e
	}
	var net net.Error
	var explained *ConnectError
	switch {
	case errors.Is(err, context.Canceled), errors.As(err, &explained):
		return err
	case s == dialing:
		return explainDial(e, err)
	case errors.As(err, &net) && net.Timeout() || errors.Is(err, context.DeadlineExceeded):
		e.What, e.Hint = fmt.Sprintf("accepts a connection and then says nothing for %v", d.timeout), "it hangs, or is no broker, or its address leads somewhere else"
		return e
	case s == handshaking:
		return d.explainTLS(e, err)
	case errors.Is(err, errSpeaksTLS):
		return fix("this port speaks TLS, and the settings have no tls", "write tls: {} (with ca: FILE if the authority is your own), or use a port without TLS")
	case errors.Is(err, errNotKafka):
		return fix("what listens there is no Kafka broker", "check host and port")
	case s == loggingIn:
		return explainLogin(e, d, err)
	case hungUp(err) && s == greeting && d.tls == nil:
		return fix("closes the connection as soon as it is greeted", "this port may speak TLS (then write tls: {}), or is no broker's")
	case hungUp(err) && s == asking && d.sasl == nil:
		return fix("closes the connection at the first request", "this port may want a login: write sasl: {mechanism, username, password}")
	}
	return explainOther(e, err)
}

// hungUp reports whether the other side has closed the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func explainDial(e *ConnectError, err error) error {
	var dns *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		e.What, e.Hint = fmt.Sprintf("there is no host %s", dns.Name), "check the name, or what the broker calls itself (advertised.listeners)"
	case errors.As(err, &dns):
		e.What = fmt.Sprintf("the name %s cannot be looked up (%s)", dns.Name, dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.What, e.Hint = "nobody listens there", "is the broker up, and the port right?"
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout():
		e.What, e.Hint = "does not answer", "is it up, and is there a firewall between?"
	default:
		return explainOther(e, err)
	}
	return e
}

func (d *dialer) explainTLS(e *ConnectError, err error) error {
	e.Fix = true
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &authority):
		e.What, e.Hint = "its certificate was signed by nobody whom we believe", "write tls: {ca: FILE} with the certificate of the authority that signed it"
	case errors.As(err, &host):
		e.What, e.Hint = fmt.Sprintf("its certificate is not for %s but for %s", host.Host, namesOf(host.Certificate)), "use a name that it has in brokers, or write tls: {server_name: NAME}"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.What = fmt.Sprintf("its certificate is valid from %s to %s only", invalid.Cert.NotBefore.UTC().Format("2006-01-02"), invalid.Cert.NotAfter.UTC().Format("2006-01-02"))
	case errors.As(err, &header):
		e.What, e.Hint = "this port does not speak TLS, and the settings have tls", "use the broker's TLS port, or leave tls out"
	case errors.As(err, &alert):
		e.What, e.Hint = fmt.Sprintf("it ends the TLS handshake (%s)", alert), "it may want a certificate of ours: write tls: {cert: FILE, key: FILE}"
	case hungUp(err):
		e.What, e.Hint = "closes the connection at the TLS handshake", "this port may be one without TLS: use the TLS port, or leave tls out"
	default:
		e.What = "the TLS handshake goes wrong (" + err.Error() + ")"
	}
	return e
}

func namesOf(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

func explainLogin(e *ConnectError, d *dialer, err error) error {
	var l *loginError
	if !errors.As(err, &l) {
		if hungUp(err) { // some brokers say no by hanging up
			l = &loginError{code: kafkago.SASLAuthenticationFailed}
		} else {
			return explainOther(e, err)
		}
	}
	e.Fix = true
	switch l.code {
	case kafkago.IllegalSASLState:
		e.What, e.Hint = "this port asks nobody to log in, and the settings have sasl", "use the port for logins, or leave sasl out"
	case kafkago.UnsupportedSASLMechanism:
		e.What = fmt.Sprintf("it does not take %s", d.sasl.Name())
		if len(l.offered) > 0 {
			e.Hint = "it takes " + strings.Join(l.offered, ", ")
		}
	case kafkago.SASLAuthenticationFailed:
		e.What, e.Hint = "it refuses the login", "wrong username or password, or the user has no credentials for "+d.sasl.Name()
	default:
		return explainOther(e, l.code)
	}
	return e
}

func explainOther(e *ConnectError, err error) error {
	var code kafkago.Error
	switch {
	case errors.As(err, &code):
		e.What = describe(code)
	case hungUp(err):
		e.What = "closes the connection"
	default:
		e.What = err.Error()
	}
	return e
}

// describe puts an error code into words.
func describe(code kafkago.Error) string {
	switch code {
	case kafkago.TopicAuthorizationFailed:
		return "no permission to read or describe the topic"
	case kafkago.GroupAuthorizationFailed:
		return "no permission for the consumer group"
	case kafkago.ClusterAuthorizationFailed:
		return "no permission for the cluster"
	case kafkago.UnknownTopicOrPartition:
		return "there is no such topic or partition"
	case kafkago.LeaderNotAvailable, kafkago.ReplicaNotAvailable, kafkago.BrokerNotAvailable:
		return "the partition has no leader at the moment"
	case kafkago.NotLeaderForPartition, kafkago.FencedLeaderEpoch, kafkago.UnknownLeaderEpoch:
		return "the leader of the partition has moved"
	case kafkago.NotEnoughReplicas, kafkago.NotEnoughReplicasAfterAppend:
		return "too few replicas are in sync for acks=all"
	case kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge:
		return "a record is larger than the topic takes (max.message.bytes)"
	case kafkago.Unknown:
		return "the broker had an error that it did not expect; its log says more"
	}
	if title := code.Title(); title != "" {
		return fmt.Sprintf("%s (Kafka error %d)", strings.ToLower(title), int(code))
	}
	return fmt.Sprintf("Kafka error %d", int(code))
}
