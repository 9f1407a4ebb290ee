package post

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"kelpie/alert"
	"kelpie/secret"
)

// TestNetworkGone wants what is wrong with a network to be named with its host, and another try to be worth it; when the
// network is back the same client delivers.
func TestNetworkGone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	c := client(t, Spec{Proxy: secret.New(noProxy)}, "s3cret")
	dial := c.transport.DialContext
	refused := func(number syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", number)}
	}
	for _, x := range []struct {
		err  error
		says string
	}{
		{refused(syscall.ECONNREFUSED), "connection refused"},
		{refused(syscall.EHOSTUNREACH), "no route to host"},
		{refused(syscall.ENETUNREACH), "network is unreachable"},
		{&net.DNSError{Err: "no such host", Name: "hooks.example", IsNotFound: true}, "no such host"},
		{&net.DNSError{Err: "server misbehaving", Name: "hooks.example", IsTemporary: true}, "server misbehaving"},
		{&net.DNSError{Err: "i/o timeout", Name: "hooks.example", IsTimeout: true}, "no answer within"},
		{refused(syscall.ETIMEDOUT), "no answer within"},
	} {
		c.transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, x.err }
		_, err := c.Post(t.Context(), "http://hooks.example/s3cret", nil, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "hooks.example: ") || !strings.Contains(err.Error(), x.says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: %v", x.err, err)
		}
		if alert.Permanent(err) || alert.RetryAfter(err) != 0 {
			t.Errorf("%v is final: %v, after %v", err, alert.Permanent(err), alert.RetryAfter(err))
		}
	}
	c.transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, server.Listener.Addr().String())
	}
	if _, err := c.Post(t.Context(), "http://hooks.example/s3cret", nil, nil); err != nil {
		t.Errorf("the network is back: %v", err)
	}
}
